/** The audit, in both languages; the compiler keeps them complete. */
import type { ChainProblem } from '@preau/contract/audit-chain.ts';
import { messages } from '../lib/page.svelte.ts';
import { enS, frS } from '../lib/plural.ts';
import type { Both } from '../lib/words.ts';

export const auditWords = messages({
  audit: { fr: 'Journal', en: 'Audit' },
  allActions: { fr: 'Toutes les actions', en: 'All actions' },
  kinds: {
    account: { fr: 'Personnes', en: 'People' },
    session: { fr: 'Sessions', en: 'Sessions' },
    rule: { fr: 'Règles', en: 'Rules' },
    rollout: { fr: 'Déploiements', en: 'Rollouts' },
    request: { fr: 'Demandes', en: 'Requests' },
    server: { fr: 'Serveurs', en: 'Servers' },
    application: { fr: 'Applications', en: 'Applications' },
    audit: { fr: 'Le journal lui-même', en: 'The audit itself' },
    privacy: { fr: 'Confidentialité', en: 'Privacy' },
  },
  from: { fr: 'Du', en: 'From' },
  until: { fr: 'Au', en: 'To' },
  searchAudit: { fr: 'Nom, objet ou action', en: 'Name, subject or action' },
  csv: { fr: 'Tableau (CSV)', en: 'Table (CSV)' },
  jsonl: { fr: 'Preuve (JSONL)', en: 'Proof (JSONL)' },
  part: {
    fr: (n: number, of: number) => `Preuve, partie ${n} sur ${of}`,
    en: (n: number, of: number) => `Proof, part ${n} of ${of}`,
  },
  chainIntact: { fr: 'Vérifié : rien n’a été modifié', en: 'Verified: nothing was changed' },
  chainBroken: {
    fr: (seq: number, why: string) => `Rompu au numéro ${seq} : ${why}`,
    en: (seq: number, why: string) => `Broken at number ${seq}: ${why}`,
  },
  neverVerified: { fr: 'Pas encore vérifié', en: 'Not verified yet' },
  verifiedAt: { fr: (when: string) => `vérifié ${when}`, en: (when: string) => `verified ${when}` },
  verifyNow: { fr: 'Vérifier maintenant', en: 'Verify now' },
  verifying: { fr: 'Vérification…', en: 'Verifying…' },
  chainFacts: {
    fr: (events: number, pending: number) =>
      `${events} événement${frS(events)} enchaîné${frS(events)}${pending > 0 ? `, ${pending} à enchaîner` : ''}`,
    en: (events: number, pending: number) =>
      `${events} event${enS(events)} linked${pending > 0 ? `, ${pending} to link` : ''}`,
  },
  head: { fr: 'Empreinte de la fin', en: 'Hash of the end' },
  headHint: {
    fr: 'Notez-la ailleurs : elle prouve plus tard que la fin n’a pas été réécrite.',
    en: 'Note it elsewhere: it proves later that the end was not rewritten.',
  },
  key: { fr: 'Clé de la ville', en: 'The city’s key' },
  removedByAge: {
    fr: (n: number, days: number) =>
      `${n} événement${frS(n)} retiré${frS(n)} par l’âge (${days} jour${frS(days)})`,
    en: (n: number, days: number) => `${n} event${enS(n)} removed by age (${days} day${enS(days)})`,
  },
  problems: {
    missing: {
      fr: 'des événements manquent ou ont été déplacés',
      en: 'events are missing or were moved',
    },
    changed: { fr: 'un événement a été modifié', en: 'an event was changed' },
    name_changed: { fr: 'un nom a été modifié', en: 'a name was changed' },
    details_changed: { fr: 'des détails ont été modifiés', en: 'details were changed' },
    erased: {
      fr: 'un nom a été effacé sans effacement enregistré',
      en: 'a name was erased without a recorded erasure',
    },
    cut: { fr: 'la fin manque', en: 'the end is missing' },
    forged: {
      fr: 'la signature n’est pas celle de la ville',
      en: 'the signature is not the city’s',
    },
    other_chain: {
      fr: 'ce n’est pas la chaîne attendue',
      en: 'this is not the chain that was expected',
    },
  } satisfies Record<ChainProblem, Both>,
});

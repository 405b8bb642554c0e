/** Tokens for scripts, in both languages; the compiler keeps them complete. */
import { messages } from '../lib/page.svelte.ts';
import { enS, frS } from '../lib/plural.ts';

export const tokenWords = messages({
  tokens: { fr: 'Jetons pour la ligne de commande', en: 'Tokens for the command line' },
  tokensHint: {
    fr:
      'Un jeton laisse un script agir en votre nom, jamais au-delà d’un technicien. Donnez-lui ' +
      'le moins possible : lecture seule, quelques écoles, peu de jours.',
    en:
      'A token lets a script act in your name, never beyond a technician. Give it as little as ' +
      'possible: read only, a few schools, few days.',
  },
  noTokens: { fr: 'Aucun jeton.', en: 'No token.' },
  newToken: { fr: 'Créer un jeton', en: 'Make a token' },
  tokenName: { fr: 'À quoi il sert', en: 'What it is for' },
  tokenNameExample: {
    fr: 'Sauvegarde du catalogue, la nuit',
    en: 'Backup of the catalogue, at night',
  },
  scope: { fr: 'Il peut', en: 'It may' },
  scopes: {
    read: { fr: 'lire, sans rien changer', en: 'read, and change nothing' },
    technician: { fr: 'ce que peut un technicien', en: 'do what a technician may' },
  },
  where: { fr: 'Écoles', en: 'Schools' },
  everywhere: { fr: 'toute la ville', en: 'the whole city' },
  someSchools: { fr: 'seulement ces écoles', en: 'only these schools' },
  days: { fr: 'Il expire après', en: 'It expires after' },
  daysN: {
    fr: (n: number) => `${n} jour${frS(n)}`,
    en: (n: number) => `${n} day${enS(n)}`,
  },
  create: { fr: 'Créer le jeton', en: 'Make the token' },
  secretTitle: { fr: 'Le secret de ce jeton', en: 'This token’s secret' },
  secretText: {
    fr:
      'Copiez-le maintenant : il ne sera plus jamais montré. Ne le mettez ni dans un courriel, ' +
      'ni dans un argument de commande.',
    en: 'Copy it now: it will never be shown again. Put it neither in an e-mail nor in a command’s arguments.',
  },
  copy: { fr: 'Copier', en: 'Copy' },
  copied: { fr: 'Copié', en: 'Copied' },
  done: { fr: 'C’est fait', en: 'Done' },
  revoke: { fr: 'Révoquer', en: 'Revoke' },
  confirmRevoke: {
    fr: (name: string) => `Révoquer « ${name} » ? Ce qui s’en sert s’arrête aussitôt.`,
    en: (name: string) => `Revoke “${name}”? What uses it stops at once.`,
  },
  expires: { fr: 'Expire', en: 'Expires' },
  used: { fr: 'Dernier usage', en: 'Last used' },
  never: { fr: 'jamais', en: 'never' },
  revoked: { fr: 'révoqué', en: 'revoked' },
  expired: { fr: 'expiré', en: 'expired' },
  schoolsN: {
    fr: (n: number) => `${n} école${frS(n)}`,
    en: (n: number) => `${n} school${enS(n)}`,
  },
  showOver: {
    fr: (n: number) => `Montrer aussi ceux qui ne valent plus (${n})`,
    en: (n: number) => `Show those that are over too (${n})`,
  },
});

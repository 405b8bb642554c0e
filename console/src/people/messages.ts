/** Every sentence about signing in, second factors, directories and people, in both languages; the
 * compiler keeps them complete. */
import type { ProviderKind, syncStates } from '@preau/contract/identity.ts';
import { messages } from '../lib/page.svelte.ts';
import { enS, frS, isMany } from '../lib/plural.ts';
import type { Both } from '../lib/words.ts';

export const peopleWords = messages({
  code: { fr: 'Code à six chiffres', en: 'Six-digit code' },
  passkeyGiven: {
    fr: 'Votre clé d’accès n’a pas répondu. Réessayez, ou utilisez votre mot de passe.',
    en: 'Your passkey did not answer. Try again, or use your password.',
  },
  securityText: {
    fr: 'Un mot de passe se devine ou se vole. Avec un second moyen, il ne suffit plus.',
    en: 'A password can be guessed or stolen. With a second means it is no longer enough.',
  },
  phone: { fr: 'Téléphone', en: 'Telephone' },
  phoneOn: {
    fr: 'Un code de votre téléphone est demandé à chaque connexion.',
    en: 'A code from your telephone is asked for at each sign-in.',
  },
  phoneOff: { fr: 'Aucun code n’est demandé.', en: 'No code is asked for.' },
  addPhone: { fr: 'Ajouter un téléphone', en: 'Add a telephone' },
  removePhone: { fr: 'Ne plus demander de code', en: 'Ask for no code' },
  scan: {
    fr:
      'Photographiez ce carré avec une application de codes (FreeOTP, Aegis, Google ' +
      'Authenticator…), puis donnez le premier code.',
    en:
      'Photograph this square with a code application (FreeOTP, Aegis, Google Authenticator…), ' +
      'then give the first code.',
  },
  byHand: { fr: 'Ou recopiez ce secret :', en: 'Or copy this secret:' },
  qrAlt: { fr: 'Carré à photographier', en: 'Square to be photographed' },
  confirm: { fr: 'Confirmer', en: 'Confirm' },
  codesTitle: { fr: 'Vos codes de secours', en: 'Your recovery codes' },
  codesText: {
    fr:
      'Imprimez-les ou recopiez-les : ils ne seront plus montrés. Chacun sert une fois, si vous ' +
      'perdez votre téléphone.',
    en: 'Print or copy them: they will not be shown again. Each works once, should you lose your telephone.',
  },
  codesDone: { fr: 'C’est noté', en: 'Noted' },
  codesLeft: {
    fr: (n: number) => `${n} code${frS(n)} de secours restant${frS(n)}`,
    en: (n: number) => `${n} recovery code${enS(n)} left`,
  },
  passkeys: { fr: 'Clés d’accès', en: 'Passkeys' },
  passkeysText: {
    fr: 'L’empreinte, le visage ou le code de votre appareil remplace le mot de passe.',
    en: 'Your device’s fingerprint, face or number takes the place of the password.',
  },
  noPasskeys: { fr: 'Aucune clé.', en: 'No passkey.' },
  passkeysImpossible: {
    fr: 'Les clés d’accès demandent une adresse en https:// avec un nom.',
    en: 'Passkeys need an https:// address with a name.',
  },
  addPasskey: { fr: 'Ajouter une clé', en: 'Add a passkey' },
  keyName: { fr: 'Nom de la clé', en: 'Name of the passkey' },
  remove: { fr: 'Retirer', en: 'Remove' },
  lastUsed: { fr: 'Utilisée', en: 'Used' },
  neverUsed: { fr: 'jamais', en: 'never' },
  yourPassword: { fr: 'Votre mot de passe', en: 'Your password' },
  notLocal: {
    fr: 'Votre compte vient d’un annuaire : c’est lui qui décide du second moyen.',
    en: 'Your account comes from a directory, which decides on second means.',
  },
  lost: {
    fr: 'Tout perdu ? Un administrateur du serveur lance : reset-second-factor',
    en: 'Lost everything? An administrator of the server runs: reset-second-factor',
  },
  directories: { fr: 'Annuaires', en: 'Directories' },
  directoriesText: {
    fr: 'Qui peut se porter garant des personnes. Leurs réglages sont dans le fichier PREAU_IDENTITY du contrôleur.',
    en: 'Who may vouch for people. Their settings are in the controller’s PREAU_IDENTITY file.',
  },
  onlyLocal: {
    fr: 'Aucun annuaire : seuls les comptes locaux se connectent.',
    en: 'No directory: only local accounts sign in.',
  },
  kind: {
    local: { fr: 'Comptes locaux', en: 'Local accounts' },
    ldap: { fr: 'Annuaire LDAP', en: 'LDAP directory' },
    oidc: { fr: 'OpenID Connect', en: 'OpenID Connect' },
    cas: { fr: 'CAS', en: 'CAS' },
  } satisfies Record<ProviderKind, Both>,
  accounts: {
    fr: (n: number) => `${n} compte${frS(n)}`,
    en: (n: number) => `${n} account${enS(n)}`,
  },
  disabled: { fr: (n: number) => `${n} désactivé${frS(n)}`, en: (n: number) => `${n} disabled` },
  sync: {
    never: { fr: 'Jamais lu', en: 'Never read' },
    done: { fr: 'À jour', en: 'Up to date' },
    failed: { fr: 'Lecture impossible', en: 'Cannot be read' },
    braked: { fr: 'Au frein', en: 'Braked' },
  } satisfies Record<(typeof syncStates)[number], Both>,
  noSync: { fr: 'Lu à chaque connexion seulement', en: 'Read at each sign-in only' },
  lastSync: { fr: 'Dernière lecture', en: 'Last read' },
  nextSync: { fr: 'Prochaine', en: 'Next' },
  syncNow: { fr: 'Lire maintenant', en: 'Read now' },
  syncing: { fr: 'Lecture…', en: 'Reading…' },
  check: { fr: 'Essayer', en: 'Try' },
  checking: { fr: 'Essai…', en: 'Trying…' },
  answers: {
    fr: (ms: number) => `Répond en ${ms} ms.`,
    en: (ms: number) => `Answers in ${ms} ms.`,
  },
  silent: { fr: 'Ne répond pas :', en: 'Does not answer:' },
  differences: {
    fr: (d: {
      read: number;
      added: number;
      changed: number;
      vanished: number;
      returned: number;
      refused: number;
    }) =>
      `${d.read} personne${frS(d.read)} lue${frS(d.read)} : ${d.added} ` +
      `nouvelle${frS(d.added)}, ${d.changed} modifiée${frS(d.changed)}, ${d.vanished} ` +
      `disparue${frS(d.vanished)}, ${d.returned} ` +
      `revenue${frS(d.returned)}${d.refused > 0 ? `, ${d.refused} sans rôle` : ''}.`,
    en: (d: {
      read: number;
      added: number;
      changed: number;
      vanished: number;
      returned: number;
      refused: number;
    }) =>
      `${d.read} people read: ${d.added} new, ${d.changed} changed, ${d.vanished} vanished, ` +
      `${d.returned} back${d.refused > 0 ? `, ${d.refused} without a role` : ''}.`,
  },
  brakeTitle: {
    fr: (n: number) =>
      `${n} compte${frS(n)} disparaîtrai${isMany(n, 'fr') ? 'en' : ''}t : rien n’a été changé.`,
    en: (n: number) => `${n} account${enS(n)} would vanish: nothing was changed.`,
  },
  brakeText: {
    fr:
      'Cela arrive quand l’annuaire est à moitié vide, ou sa racine mal réglée. Vérifiez ' +
      'd’abord. Confirmer désactive exactement ces comptes ; ils ne sont jamais supprimés.',
    en:
      'This happens when the directory is half empty, or its base is wrong. Check first. ' +
      'Confirming disables exactly these accounts; they are never deleted.',
  },
  brakeConfirm: {
    fr: (n: number) => (isMany(n, 'fr') ? `Désactiver ces ${n} comptes` : 'Désactiver ce compte'),
    en: (n: number) => (isMany(n, 'en') ? `Disable these ${n} accounts` : 'Disable this account'),
  },
  vanishedWere: { fr: 'Disparus', en: 'Vanished' },
  people: { fr: 'Personnes', en: 'People' },
  searchPeople: {
    fr: 'Chercher un nom, un identifiant ou une école',
    en: 'Search for a name, a user name or a school',
  },
  noPeople: { fr: 'Personne ne correspond.', en: 'Nobody matches.' },
  allRoles: { fr: 'Tous les rôles', en: 'Every role' },
  allSchools: { fr: 'Toutes les écoles', en: 'Every school' },
  from: { fr: 'Origine', en: 'From' },
  groups: { fr: 'Groupes', en: 'Groups' },
  more: { fr: 'Voir plus', en: 'Show more' },
  changeRole: { fr: 'Rôle et écoles', en: 'Role and schools' },
  roleOf: { fr: (name: string) => `Rôle de ${name}`, en: (name: string) => `Role of ${name}` },
  role: { fr: 'Rôle', en: 'Role' },
  decides: { fr: 'L’annuaire décide', en: 'The directory decides' },
  school: { fr: 'École', en: 'School' },
  noSchool: { fr: 'Aucune', en: 'None' },
  looksAfter: { fr: 'S’occupe de', en: 'Looks after' },
  whole: { fr: 'Toute la ville', en: 'The whole city' },
  some: { fr: 'Certaines écoles', en: 'Some schools' },
  save: { fr: 'Enregistrer', en: 'Save' },
  byHand2: { fr: 'décidé à la main', en: 'decided by hand' },
  off: { fr: 'Désactivé', en: 'Disabled' },
  secondFactor: { fr: 'Second moyen', en: 'Second factor' },
  willSignOut: {
    fr: 'La personne est déconnectée aussitôt si quelque chose change.',
    en: 'The person is signed out at once if anything changes.',
  },
  local: { fr: 'Local', en: 'Local' },
  roles: {
    administrator: { fr: 'Administrateur', en: 'Administrator' },
    technician: { fr: 'Technicien', en: 'Technician' },
    contact: { fr: 'Référent d’école', en: 'School contact' },
    teacher: { fr: 'Enseignant', en: 'Teacher' },
    pupil: { fr: 'Élève', en: 'Pupil' },
  },
});

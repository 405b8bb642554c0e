/** Every sentence about requests, the audit and personal data, in both languages; the compiler
 * keeps them complete. */
import type { RequestState, wishes } from '@preau/contract/request.ts';
import { messages, page } from '../lib/page.svelte.ts';
import { enS, frS, isMany } from '../lib/plural.ts';
import type { Both } from '../lib/words.ts';

type Wish = (typeof wishes)[number];

export const requestWords = messages({
  // Asking
  requests: { fr: 'Demandes', en: 'Requests' },
  ask: { fr: 'Demander un programme', en: 'Ask for a program' },
  myRequests: { fr: 'Mes demandes', en: 'My requests' },
  forMySchool: { fr: 'Demandes de mon école', en: 'Requests of my school' },
  askHint: {
    fr: 'Il n’est pas dans vos applications ? Demandez-le : votre école et la ville répondent ici.',
    en: 'Not among your applications? Ask for it: your school and the city answer here.',
  },
  which: { fr: 'Quel programme ?', en: 'Which program?' },
  whichPlaceholder: { fr: 'Son nom, ou quelques lettres', en: 'Its name, or a few letters' },
  notInCatalogue: {
    fr: (name: string) => `Un autre programme : « ${name} »`,
    en: (name: string) => `Another program: “${name}”`,
  },
  chosen: { fr: 'Du catalogue', en: 'From the catalogue' },
  described: { fr: 'Décrit par vous', en: 'Described by you' },
  change: { fr: 'Changer', en: 'Change' },
  purpose: { fr: 'Pour quoi faire ?', en: 'What for?' },
  purposeHint: {
    fr: 'Avec quelle classe, pour quelle séance : c’est ce que lira la personne qui décide.',
    en: 'With which class, for which lesson: this is what the person who decides will read.',
  },
  link: { fr: 'Adresse du programme', en: 'The program’s address' },
  linkHint: { fr: 'https://… (facultatif)', en: 'https://… (optional)' },
  wantedBy: { fr: 'Utile avant le', en: 'Needed before' },
  optional: { fr: 'facultatif', en: 'optional' },
  forWhom: { fr: 'Pour qui ?', en: 'For whom?' },
  wish: {
    me: { fr: 'Moi', en: 'Me' },
    class: { fr: 'Ma classe', en: 'My class' },
    pupils: { fr: 'Les élèves de l’école', en: 'The school’s pupils' },
    teachers: { fr: 'Les enseignants de l’école', en: 'The school’s teachers' },
    everyone: { fr: 'Toute l’école', en: 'The whole school' },
  } satisfies Record<Wish, Both>,
  send: { fr: 'Envoyer la demande', en: 'Send the request' },
  sent: { fr: 'Demande envoyée.', en: 'Request sent.' },
  cancel: { fr: 'Annuler', en: 'Cancel' },
  mailNotice: {
    fr: 'Vous serez prévenu ici et par courriel quand l’icône sera là.',
    en: 'You will be told here and by mail when the icon is there.',
  },
  noMailNotice: {
    fr: 'Vous serez prévenu ici quand l’icône sera là. La ville n’envoie pas de courriel.',
    en: 'You will be told here when the icon is there. The city sends no mail.',
  },
  noneMine: { fr: 'Vous n’avez rien demandé', en: 'You have asked for nothing' },
  noneMineText: {
    fr: 'Un programme vous manque pour la classe ? Demandez-le, ou décrivez-le avec vos mots.',
    en: 'Is a program missing for your class? Ask for it, or describe it in your own words.',
  },
  isThere: { fr: 'déjà sur le serveur de l’école', en: 'on the school’s server already' },
  hasIt: { fr: 'vous l’avez déjà', en: 'you have it already' },
  alreadyAsked: { fr: 'déjà demandé', en: 'asked for already' },
  state: {
    asked: { fr: 'Demandée', en: 'Asked' },
    approved_by_school: { fr: 'Acceptée par l’école', en: 'Approved by the school' },
    approved: { fr: 'Acceptée', en: 'Approved' },
    installing: { fr: 'Installation…', en: 'Installing…' },
    ready: { fr: 'Disponible', en: 'There' },
    refused: { fr: 'Refusée', en: 'Refused' },
    withdrawn: { fr: 'Retirée', en: 'Withdrawn' },
  } satisfies Record<RequestState, Both>,
  explain: {
    asked: { fr: 'Votre école ne l’a pas encore lue.', en: 'Your school has not read it yet.' },
    approved_by_school: {
      fr: 'Votre école est d’accord ; la ville doit encore l’installer.',
      en: 'Your school agrees; the city has yet to install it.',
    },
    approved: {
      fr: 'La ville est d’accord ; l’installation va commencer.',
      en: 'The city agrees; installing is about to begin.',
    },
    installing: {
      fr: 'Elle s’installe sur le serveur de votre école.',
      en: 'It is being installed on your school’s server.',
    },
    ready: { fr: 'Son icône est sur votre page d’accueil.', en: 'Its icon is on your home page.' },
    refused: { fr: '', en: '' },
    withdrawn: { fr: 'Vous l’avez retirée.', en: 'You have withdrawn it.' },
  } satisfies Record<RequestState, Both>,
  steps: {
    fr: ['Demandée', 'Acceptée', 'Installation', 'Disponible'],
    en: ['Asked', 'Approved', 'Installing', 'There'],
  },
  withdraw: { fr: 'Retirer la demande', en: 'Withdraw the request' },
  confirmWithdraw: { fr: 'Retirer cette demande ?', en: 'Withdraw this request?' },
  open: { fr: 'Ouvrir', en: 'Open' },
  by: { fr: (who: string) => `par ${who}`, en: (who: string) => `by ${who}` },
  // Thread
  thread: { fr: 'Échanges', en: 'Messages' },
  noThread: { fr: 'Personne n’a encore écrit.', en: 'Nobody has written yet.' },
  write: { fr: 'Écrire un message', en: 'Write a message' },
  reply: { fr: 'Envoyer', en: 'Send' },
  me: { fr: 'Moi', en: 'Me' },
  school: { fr: 'l’école', en: 'the school' },
  cityHall: { fr: 'la ville', en: 'the city' },
  // Inbox
  toAnswer: { fr: 'À traiter', en: 'To answer' },
  all: { fr: 'Toutes', en: 'All' },
  inboxEmpty: { fr: 'Aucune demande à traiter', en: 'No request to answer' },
  inboxEmptyText: {
    fr: 'Quand un enseignant demandera un programme, sa demande apparaîtra ici.',
    en: 'When a teacher asks for a program, the request appears here.',
  },
  nobodyYet: { fr: 'Aucune demande pour le moment.', en: 'No request yet.' },
  choose: { fr: 'Choisissez une demande.', en: 'Choose a request.' },
  asksFor: { fr: (who: string) => `${who} le demande`, en: (who: string) => `${who} asks for it` },
  severalAsk: {
    fr: (n: number) => `${n} enseignant${frS(n)} le demande${isMany(n, 'fr') ? 'nt' : ''}`,
    en: (n: number) => `${n} teacher${enS(n)} ask${isMany(n, 'en') ? '' : 's'} for it`,
  },
  alsoAsk: {
    fr: (names: string) => `Aussi demandé par ${names}.`,
    en: (names: string) => `Also asked for by ${names}.`,
  },
  before: { fr: (day: string) => `avant le ${day}`, en: (day: string) => `before ${day}` },
  installedHere: { fr: 'Sur les serveurs de l’école', en: 'On the school’s servers' },
  notInstalledHere: {
    fr: 'Pas encore sur les serveurs de l’école',
    en: 'Not on the school’s servers yet',
  },
  notInCatalogueYet: { fr: 'Pas au catalogue', en: 'Not in the catalogue' },
  wishes: {
    fr: (whom: string) => `Souhaité pour : ${whom}`,
    en: (whom: string) => `Wished for: ${whom}`,
  },
  back: { fr: 'Toutes les demandes', en: 'All requests' },
  approve: { fr: 'Approuver', en: 'Approve' },
  approveAndInstall: { fr: 'Approuver et installer', en: 'Approve and install' },
  approveAndPass: {
    fr: 'Approuver et transmettre à la ville',
    en: 'Approve and pass on to the city',
  },
  openFor: { fr: 'Ouvrir pour', en: 'Open for' },
  askers: {
    fr: (n: number) =>
      n > 1 ? `Les ${n} enseignants qui le demandent` : 'La personne qui le demande',
    en: (n: number) => (n > 1 ? `The ${n} teachers who ask for it` : 'The person who asks for it'),
  },
  groupOf: { fr: 'Une classe ou un groupe', en: 'A class or a group' },
  chooseGroup: { fr: 'Choisir', en: 'Choose' },
  note: { fr: 'Un mot (facultatif)', en: 'A word (optional)' },
  together: {
    fr: (n: number) => `Répondre aussi aux ${n} autres demandes identiques`,
    en: (n: number) => `Answer the ${n} other identical requests too`,
  },
  togetherOne: {
    fr: 'Répondre aussi à l’autre demande identique',
    en: 'Answer the other identical request too',
  },
  refuse: { fr: 'Refuser', en: 'Refuse' },
  reason: { fr: 'Pourquoi ?', en: 'Why?' },
  reasonHint: { fr: 'La personne lira cette phrase.', en: 'The person will read this sentence.' },
  linkTo: { fr: 'C’est l’application', en: 'It is the application' },
  linkHintAdmin: {
    fr: 'Choisissez-la au catalogue, ou ajoutez-la d’abord au catalogue.',
    en: 'Choose it in the catalogue, or add it to the catalogue first.',
  },
  linkIt: { fr: 'Associer', en: 'Link' },
  install: { fr: 'Lancer l’installation', en: 'Start installing' },
  rollout: { fr: 'Voir le déploiement', en: 'See the rollout' },
  rule: { fr: 'Voir la règle', en: 'See the rule' },
  problem: {
    fr: (why: string) => `L’installation n’a pas commencé. ${why}`,
    en: (why: string) => `Installing has not begun. ${why}`,
  },
  mailOff: {
    fr: 'Aucun courriel n’est envoyé : PREAU_SMTP_URL est vide. Les enseignants sont prévenus dans Préau seulement.',
    en: 'No mail is sent: PREAU_SMTP_URL is empty. Teachers are told in Préau only.',
  },
  passedHint: {
    fr: 'L’application n’est pas sur les serveurs de l’école : la ville décidera et installera.',
    en: 'The application is not on the school’s servers: the city will decide and install.',
  },
});

export const day = (at: number | string): string =>
  new Intl.DateTimeFormat(page.language, { dateStyle: 'medium' }).format(
    typeof at === 'string' ? new Date(`${at}T12:00:00`) : at,
  );

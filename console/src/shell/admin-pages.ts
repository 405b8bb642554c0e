/** The page shown at each address under administration. */
import type { PageRows } from './page-rows.ts';
import type { AdminName } from './paths.ts';

const rollouts = () => import('../rollouts/Rollouts.svelte');
const editor = () => import('../rules/RuleEditor.svelte');
const access = () => import('../rules/Access.svelte');
const classes = () => import('../classes/Classes.svelte');
const privacy = () => import('../privacy/Privacy.svelte');

export const adminPages: PageRows<AdminName> = {
  dashboard: {
    load: () => import('../rollouts/Dashboard.svelte'),
    title: { fr: 'Tableau de bord', en: 'Dashboard' },
  },
  rollouts: { load: rollouts, title: { fr: 'Déploiements', en: 'Rollouts' }, stays: true },
  rolloutHistory: {
    load: rollouts,
    title: { fr: 'Historique', en: 'History' },
    under: 'rollouts',
    stays: true,
  },
  schedules: {
    load: rollouts,
    title: { fr: 'Répétitions', en: 'Repetitions' },
    under: 'rollouts',
    stays: true,
  },
  rolloutSettings: {
    load: rollouts,
    title: { fr: 'Réglages', en: 'Settings' },
    under: 'rollouts',
    stays: true,
  },
  newRollout: {
    load: () => import('../rollouts/NewRollout.svelte'),
    title: { fr: 'Nouveau déploiement', en: 'New rollout' },
    under: 'rollouts',
  },
  rollout: {
    load: () => import('../rollouts/Rollout.svelte'),
    title: { fr: 'Déploiement', en: 'Rollout' },
    under: 'rollouts',
  },
  schools: {
    load: () => import('../schools/Schools.svelte'),
    title: { fr: 'Écoles', en: 'Schools' },
  },
  school: {
    load: () => import('../schools/School.svelte'),
    title: { fr: 'École', en: 'School' },
    under: 'schools',
  },
  servers: {
    load: () => import('../schools/Servers.svelte'),
    title: { fr: 'Serveurs', en: 'Servers' },
  },
  addServer: {
    load: () => import('../schools/AddServer.svelte'),
    title: { fr: 'Ajouter un serveur', en: 'Add a server' },
    under: 'servers',
  },
  server: {
    load: () => import('../schools/Server.svelte'),
    title: { fr: 'Serveur', en: 'Server' },
    under: 'servers',
  },
  fleet: {
    load: () => import('../schools/Fleet.svelte'),
    title: { fr: 'Parc', en: 'Fleet' },
    under: 'servers',
  },
  applications: {
    load: () => import('../catalogue/Applications.svelte'),
    title: { fr: 'Applications', en: 'Applications' },
  },
  newApplication: {
    load: () => import('../catalogue/NewApplication.svelte'),
    title: { fr: 'Ajouter une application', en: 'Add an application' },
    under: 'applications',
    byQuery: true,
  },
  packages: {
    load: () => import('../catalogue/Files.svelte'),
    title: { fr: 'Fichiers', en: 'Files' },
    under: 'applications',
  },
  scripts: {
    load: () => import('../catalogue/Scripts.svelte'),
    title: { fr: 'Scripts', en: 'Scripts' },
    under: 'applications',
  },
  application: {
    load: () => import('../catalogue/Application.svelte'),
    title: { fr: 'Application', en: 'Application' },
    under: 'applications',
  },
  rules: {
    load: () => import('../rules/Rules.svelte'),
    title: { fr: 'Règles', en: 'Rules' },
    byQuery: true,
  },
  newRule: {
    load: editor,
    title: { fr: 'Nouvelle règle', en: 'New rule' },
    under: 'rules',
    byQuery: true,
  },
  rule: { load: editor, title: { fr: 'Règle', en: 'Rule' }, under: 'rules' },
  access: { load: access, title: { fr: 'Qui voit quoi', en: 'Who sees what' }, stays: true },
  accessMatrix: {
    load: access,
    title: { fr: 'Applications × écoles', en: 'Applications × schools' },
    under: 'access',
    stays: true,
  },
  accessExport: {
    load: access,
    title: { fr: 'Exporter', en: 'Export' },
    under: 'access',
    stays: true,
  },
  sessions: {
    load: () => import('../session/Sessions.svelte'),
    title: { fr: 'Sessions', en: 'Sessions' },
  },
  recordings: {
    load: () => import('../session/Recordings.svelte'),
    title: { fr: 'Enregistrements', en: 'Recordings' },
    under: 'sessions',
  },
  recording: {
    load: () => import('../session/Recording.svelte'),
    title: { fr: 'Enregistrement', en: 'Recording' },
    under: 'sessions',
  },
  classes: { load: classes, title: { fr: 'Classes', en: 'Classes' }, stays: true },
  importPeople: {
    load: classes,
    title: { fr: 'Importer des personnes', en: 'Import people' },
    under: 'classes',
    stays: true,
  },
  class: { load: classes, title: { fr: 'Classe', en: 'Class' }, under: 'classes', stays: true },
  requests: {
    load: () => import('../requests/Requests.svelte'),
    title: { fr: 'Demandes', en: 'Requests' },
  },
  people: {
    load: () => import('../people/People.svelte'),
    title: { fr: 'Personnes', en: 'People' },
  },
  directories: {
    load: () => import('../people/Directories.svelte'),
    title: { fr: 'Annuaires', en: 'Directories' },
  },
  security: {
    load: () => import('../people/MySecurity.svelte'),
    title: { fr: 'Ma sécurité', en: 'My security' },
  },
  audit: {
    load: () => import('../audit/Audit.svelte'),
    title: { fr: 'Journal', en: 'Audit' },
  },
  statistics: {
    load: privacy,
    title: { fr: 'Données personnelles', en: 'Personal data' },
    stays: true,
  },
  personalData: {
    load: privacy,
    title: { fr: 'Une personne', en: 'A person' },
    under: 'statistics',
    stays: true,
  },
  leavers: {
    load: privacy,
    title: { fr: 'Fin d’année', en: 'Year end' },
    under: 'statistics',
    stays: true,
  },
  retention: {
    load: privacy,
    title: { fr: 'Durées', en: 'Retention' },
    under: 'statistics',
    stays: true,
  },
};

/** The nouns of the controller, each a folder. A noun may use those before it. */
export const nouns = [
  'audit',
  'sites',
  'accounts',
  'applications',
  'identity',
  'classes',
  'rules',
  'servers',
  'access',
  'sessions',
  'rollouts',
  'requests',
  'privacy',
  'reports',
  'backups',
  'doctor',
];

/** The version of this tree, as the city says it and backups note it. */
export const version = '0.1.0';

/** All that may be found: how bad it is, what it means, what to do, and the runbook. */

interface Row {
  level: 'warning' | 'error';
  says: string;
  todo: string;
  /** File and anchor, below `docs/runbooks/`. */
  runbook: string;
}

const error = (says: string, todo: string, runbook: string): Row => ({
  level: 'error',
  says,
  todo,
  runbook,
});
const warning = (says: string, todo: string, runbook: string): Row => ({
  ...error(says, todo, runbook),
  level: 'warning',
});

const rows = {
  CONFIGURATION_FAULT: error(
    'A setting is wrong, so the controller does not start.',
    'Give it the value that is expected.',
    'doctor.md#configuration',
  ),
  IDENTITY_FAULT: error(
    'The file of directories and sign-in services is wrong, so the controller does not start.',
    'Correct the place that is named.',
    'doctor.md#configuration',
  ),

  FOLDER_MISSING: error(
    'The data folder does not exist.',
    'Mount its disk, or set PREAU_DATA to where it is. A first start makes it.',
    'disk.md#dossier',
  ),
  FOLDER_UNUSABLE: error(
    'The data folder cannot be read.',
    'Look at its disk, its owner and its modes.',
    'disk.md#dossier',
  ),
  FOLDER_OPEN: warning(
    'Other accounts of this machine may look into the data folder.',
    'chmod 700 on the folder.',
    'doctor.md#dossier',
  ),
  FOLDER_OWNERS: warning(
    'What is in the data folder does not all belong to the owner of the folder.',
    'chown all of it to the account that runs the controller.',
    'doctor.md#dossier',
  ),
  FOLDER_IN_MEMORY: error(
    'The data folder is in memory: a restart of the machine loses the city.',
    'Set PREAU_DATA to a folder on a disk.',
    'doctor.md#dossier',
  ),
  FOLDER_ON_NETWORK: warning(
    'SQLite is on a network file system, where its locks cannot be relied on.',
    'Move the data folder to a disk of this machine, or use PostgreSQL.',
    'doctor.md#dossier',
  ),
  DISK_LOW: warning(
    'Little room is left on the disk of the data folder.',
    'Make room before it is full.',
    'disk.md#presque-plein',
  ),
  DISK_FULL: error(
    'The disk of the data folder is full.',
    'Make room: nothing is accepted until then.',
    'disk.md#plein',
  ),

  DATABASE_MISSING: error(
    'There is no database in the data folder.',
    'Before a first start that is right. Otherwise restore the last backup.',
    'doctor.md#base',
  ),
  DATABASE_UNREACHABLE: error(
    'The database cannot be opened.',
    'Look at the reason, and at whether PostgreSQL runs.',
    'database.md#injoignable',
  ),
  DATABASE_DAMAGED: error(
    'The database is damaged.',
    'Stop the controller, keep a copy of the files, and restore the last backup.',
    'database.md#endommagee',
  ),
  DATABASE_UNCHECKED: warning(
    'The database is too large to be checked whole in the time that the doctor has.',
    'Check it at a quiet hour: sqlite3 preau.sqlite "pragma quick_check".',
    'doctor.md#base',
  ),
  DATABASE_NEWER: error(
    'The database was brought to a newer version of Préau than this one.',
    'Install that version, or restore the backup that was made before it.',
    'doctor.md#base',
  ),
  DATABASE_OLDER: warning(
    'The database is of an older version of Préau.',
    'Make a backup with the version before, then start the controller, which brings it up to date.',
    'doctor.md#base',
  ),
  DATABASE_HALF: error(
    'The database says it is up to date, and tables or columns are missing.',
    'Restore the backup that was made before the last upgrade.',
    'doctor.md#base',
  ),
  DATABASE_LOG_LARGE: warning(
    'The log of changes beside the SQLite file does not shrink.',
    'End whatever reads the database for a long time, then restart the controller.',
    'doctor.md#base',
  ),
  POSTGRES_OLD: warning(
    'This version of PostgreSQL gets no more corrections.',
    'Upgrade PostgreSQL.',
    'doctor.md#base',
  ),
  POSTGRES_CROWDED: warning(
    'PostgreSQL has hardly any connection left.',
    'Raise max_connections, or end the programs that hold them.',
    'doctor.md#base',
  ),

  SECRET_MISSING: error(
    'The secret of the city is not there.',
    'Put back the secret from the backup. A new one means that every server is enrolled anew.',
    'doctor.md#secret',
  ),
  SECRET_MALFORMED: error(
    'The secret is not 64 hexadecimal digits.',
    'Put back the secret from the backup.',
    'doctor.md#secret',
  ),
  SECRET_OPEN: error(
    'Other accounts of this machine may read the secret.',
    'chmod 600 on the file, and ask who may have read it.',
    'doctor.md#secret',
  ),
  SECRET_OTHER: error(
    'The secret is not the one this database was written with.',
    'Put back the secret from the same backup as the database.',
    'doctor.md#secret',
  ),

  REDIS_UNREACHABLE: error(
    'Redis does not answer.',
    'Start Redis, or correct PREAU_REDIS_URL.',
    'redis.md#injoignable',
  ),
  REDIS_OLD: warning('This Redis is older than 6.2.', 'Upgrade Redis.', 'doctor.md#redis'),
  REDIS_EVICTS: error(
    'Redis throws jobs away when its memory is full.',
    'Set maxmemory-policy to noeviction.',
    'doctor.md#redis',
  ),
  REDIS_FORGETS: warning(
    'Redis keeps nothing on disk: after its restart, work is late.',
    'Set appendonly to yes.',
    'doctor.md#redis',
  ),
  REDIS_CANNOT_SAVE: error(
    'Redis could not write its last copy to disk, and accepts nothing more.',
    'Look at the disk of Redis and at its log.',
    'doctor.md#redis',
  ),

  GUACD_UNREACHABLE: error(
    'guacd does not answer: no program can be opened.',
    'Start guacd, or correct PREAU_GUACD_HOST and PREAU_GUACD_PORT.',
    'gateway.md#injoignable',
  ),
  GUACD_OLD: warning(
    'This guacd is older than 1.5 and has published faults.',
    'Use guacd 1.6.',
    'doctor.md#guacd',
  ),
  DISPLAY_UNREACHABLE: warning(
    'The display of a school’s server cannot be reached from this machine.',
    'Open the way to this address and port, in the firewalls of the city and of the school.',
    'doctor.md#guacd',
  ),

  CLOCK_WENT_BACK: error(
    'The clock of this machine is behind what the database remembers.',
    'Check its time synchronisation (timedatectl).',
    'clock.md#controleur',
  ),
  CLOCK_DIFFERS: error(
    'The clock of this machine differs from that of another one.',
    'Check time synchronisation on both (timedatectl).',
    'clock.md#controleur',
  ),

  CONTROLLER_STOPPED: warning(
    'The controller does not run.',
    'Start it. If it ends at once, its last lines say why.',
    'start.md#port',
  ),
  PORT_TAKEN: error(
    'Another program answers on the controller’s port.',
    'End that program, or choose another port (PREAU_PORT).',
    'start.md#port',
  ),
  OPEN_FILES_FEW: warning(
    'The controller may open few files and connections.',
    'Raise its limit of open files (LimitNOFILE) to 65536.',
    'start.md#surcharge',
  ),
  MEMORY_LOW: warning(
    'Little memory is left on this machine.',
    'Give it more, or move what runs beside.',
    'start.md#surcharge',
  ),
  NODE_OLD: error('This Node is older than 24.', 'Install Node 24.', 'doctor.md#machine'),

  ADDRESS_UNSET: warning(
    'The address that people type is not set.',
    'Set PREAU_PUBLIC_URL.',
    'https.md',
  ),
  ADDRESS_PLAIN: warning(
    'People reach Préau without https: passwords cross the network in the clear.',
    'Put a proxy with a certificate in front.',
    'https.md',
  ),
  ADDRESS_UNKNOWN: error(
    'The name that people type has no address.',
    'Add it to the DNS of the city.',
    'doctor.md#adresse',
  ),
  ADDRESS_UNREACHABLE: error(
    'Nobody answers at the address that people type.',
    'Look at the proxy (nginx) and at the firewall.',
    'doctor.md#adresse',
  ),
  ADDRESS_ELSEWHERE: error(
    'What answers at the address that people type is not Préau.',
    'Look at where the name leads and at what the proxy passes on.',
    'doctor.md#adresse',
  ),
  CERTIFICATE_EXPIRED: error(
    'The certificate is not valid today.',
    'Renew it, after a look at the clock of this machine.',
    'doctor.md#certificat',
  ),
  CERTIFICATE_EXPIRES: warning(
    'The certificate ends soon.',
    'Renew it, and look at why that does not happen by itself.',
    'doctor.md#certificat',
  ),
  CERTIFICATE_OTHER_NAME: error(
    'The certificate is for another name.',
    'Ask for one with the name that people type.',
    'doctor.md#certificat',
  ),
  CERTIFICATE_UNTRUSTED: warning(
    'This machine does not trust who signed the certificate.',
    'Send the whole chain; with an authority of the city, name it in NODE_EXTRA_CA_CERTS.',
    'doctor.md#certificat',
  ),
  ADDRESSES_INVENTED: error(
    'Devices may invent their address.',
    'The proxy must set X-Forwarded-For itself.',
    'https.md',
  ),
  PROXY_UNTRUSTED: error(
    'The controller sees the address of the proxy for every device.',
    'Set PREAU_TRUSTED_PROXIES to that address.',
    'https.md',
  ),

  PROVIDER_UNREACHABLE: error(
    'A directory or sign-in service does not answer: its people cannot sign in.',
    'Look at the service, at its address in the identity file, and at the firewall.',
    'directories.md',
  ),
  MAIL_UNREACHABLE: warning(
    'The mail server does not take mail from here.',
    'Look at the reason, and at PREAU_SMTP_URL.',
    'doctor.md#courrier',
  ),

  SERVERS_SILENT: warning(
    'Servers of schools are silent.',
    'Look at the server: power, line, and the agent (systemctl status preau-agent).',
    'doctor.md#serveurs',
  ),
  AGENTS_OLDER: warning(
    'Agents are of another version than the controller.',
    'Roll out the agent to these servers.',
    'doctor.md#serveurs',
  ),
  AGENTS_AHEAD: error(
    'Servers have applied a newer state than the database holds: it was restored.',
    'Restart the controller, then look again.',
    'doctor.md#serveurs',
  ),
  SERVERS_QUARANTINED: error(
    'Two machines use the identity of one server.',
    'Enrol one of them anew.',
    'doctor.md#serveurs',
  ),
  SERVER_CLOCKS_WRONG: warning(
    'Clocks of servers are wrong.',
    'Check time synchronisation there (timedatectl).',
    'clock.md#serveur',
  ),
  SERVER_DISKS_FULL: warning(
    'Disks of servers are nearly full.',
    'Make room there.',
    'doctor.md#serveurs',
  ),
  ROLLOUTS_STUCK: error(
    'Rollouts run, and nobody has looked at them for ten minutes.',
    'Look at Redis and at the background work of the controller.',
    'redis.md#retard',
  ),
  ROLLOUTS_PAUSED: warning(
    'Rollouts have been paused for more than a day.',
    'Decide in the console: go on, bring back, or end.',
    'rollouts.md',
  ),
  AUDIT_BROKEN: error(
    'The chain of the audit is broken.',
    'Keep the database as it is, and compare with the last export.',
    'audit.md',
  ),
  AUDIT_UNLINKED: warning(
    'Events of the audit have waited for an hour to be linked.',
    'Look at the background work of the controller.',
    'redis.md#retard',
  ),
  AUDIT_UNCHECKED: warning(
    'The chain of the audit was not checked whole in the time that the doctor has.',
    'Check it in the console, on the page of the audit.',
    'audit.md',
  ),
  BACKUP_LATE: warning(
    'No backup of the city was made for more than a day.',
    'Set up the nightly backup, or look at why it did not run.',
    'doctor.md#sauvegarde',
  ),
  BACKUP_FAILED: error(
    'The last backup of the city failed.',
    'Look at the reason, then make one: preau backup.',
    'doctor.md#sauvegarde',
  ),
  PACKAGES_MISSING: error(
    'Files of packages are missing in the data folder, or cut short.',
    'Send them again, or restore them from the backup.',
    'packages.md',
  ),
  NOT_LOOKED_AT: warning(
    'A part could not be looked at.',
    'Mend what is said above, then look again.',
    'doctor.md#reste',
  ),
} as const satisfies Record<string, Row>;

export type FindingCode = keyof typeof rows;
export const findings: Readonly<Record<FindingCode, Row>> = rows;

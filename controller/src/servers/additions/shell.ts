/** The commands that are sent to a machine that becomes a server. Pure. */

/** Quotes any text as one word of a POSIX shell. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Prints the path of a new folder that nobody else can read. */
export const makeFolder = 'umask 077 && mktemp -d /tmp/preau-install.XXXXXXXXXX';

/** The path that `makeFolder` printed, or null when something else was printed. */
export const folderOf = (output: string): string | null =>
  /^(\/tmp\/preau-install\.[A-Za-z0-9]{10})\n$/.exec(output)?.[1] ?? null;

/** Writes standard input to a file that nobody else can read. */
export const writeFile = (path: string): string => `umask 077 && cat > ${quoted(path)}`;

export const removeFolder = (folder: string): string => `rm -rf ${quoted(folder)}`;

/** Runs a command as root. sudo asks for a password each time, and reads it from standard input. */
export const asRoot = (login: string, command: string): string =>
  login === 'root' ? command : `sudo -k -S -p '' -- sh -c ${quoted(command)}`;

/** Fails when sudo refuses. */
export const trySudo = "sudo -k -S -p '' -- true";

/** Runs the installer, and removes the folder even when the connection breaks meanwhile. The code
 * is read from a file: any user of the machine can read the arguments of a process. */
export const runInstaller = (given: {
  folder: string;
  controllerUrl: string;
  controllerKey: string;
}): string =>
  [
    `trap ${quoted(removeFolder(given.folder))} EXIT;`,
    `sh ${quoted(`${given.folder}/install.sh`)}`,
    `--controller ${quoted(given.controllerUrl)}`,
    `--key ${quoted(given.controllerKey)}`,
    `--code-file ${quoted(`${given.folder}/code`)}`,
    '</dev/null',
  ].join(' ');

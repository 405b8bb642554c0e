/** A printer for one session: CUPS itself, run inside the sandbox as the person, with one queue
 * that turns pages into PDF files in a folder of the session. It uses no service of the machine,
 * gains no rights, and nobody sees anybody else's pages. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import {
  copyTo,
  exists,
  linkNamed,
  makeFolder,
  names,
  readText,
  remove,
  stamp,
  write,
} from '#src/files.ts';

/** Paths in the sandbox: files that all sessions share, and files of this session. */
export const printerFolder = '/run/preau-printer';
export const printFolder = '/run/preau-print';
export const printSocket = `${printFolder}/state/cups.sock`;

const filters = '/usr/lib/cups/filter';
const daemon = '/usr/sbin/cupsd';
export const canPrint = (): boolean => exists(daemon) && exists(join(filters, 'pdftopdf'));

/** Debian's libcups with which GTK programs hang for ever once they look for printers: the answer to
 * CVE-2025-58436, mended in CUPS 2.4.16 (OpenPrinting/cups, issue 1429). */
const hangingLibraries: ReadonlySet<string> = new Set(['2.4.2-3+deb12u10']);
const packagesHere = '/var/lib/dpkg/status';
const libraryVersion = /^Package: libcups2(?:t64)?$(?:\n.+)*?\nVersion: (.+)$/m;

/** Whether GTK programs hang once they look for printers. `packages`: what dpkg knows. Pure. */
export const gtkHangsWith = (packages: string): boolean =>
  hangingLibraries.has(libraryVersion.exec(packages)?.[1] ?? '');

let lookedAt: { stamp: string | undefined; gtkHangs: boolean } | null = null;

/** Read again after dpkg has changed something: security updates come while the agent runs. */
export function gtkHangsHere(): boolean {
  const now = stamp(packagesHere);
  if (lookedAt === null || lookedAt.stamp !== now)
    lookedAt = { stamp: now, gtkHangs: gtkHangsWith(readText(packagesHere) ?? '') };
  return lookedAt.gtkHangs;
}

/** Writes the files that every printer needs, unless they are there, and returns their folder.
 * Sessions that outlive an agent go on printing with older files: these are removed only when no
 * such session is left (`keepOthers` false). */
export function preparePrinter(root: string, keepOthers: boolean): string {
  const version = createHash('sha256')
    .update([stamp(daemon), backend, filesConf, daemonConf, printersConf, description].join('\0'))
    .digest('hex')
    .slice(0, 16);
  const folder = join(root, version);
  makeFolder(root, 0o700);
  if (!keepOthers) for (const name of names(root)) if (name !== version) remove(join(root, name));
  if (exists(join(folder, 'whole'))) return folder;
  remove(folder);
  for (const part of ['', 'bin', 'bin/backend', 'server', 'server/ppd'])
    makeFolder(join(folder, part), 0o755);
  // A copy: AppArmor may confine the program at its original path to the machine's own printers.
  copyTo(daemon, join(folder, 'cupsd'), 0o755);
  linkNamed(filters, join(folder, 'bin/filter'));
  linkNamed('/usr/lib/cups/daemon', join(folder, 'bin/daemon'));
  write(join(folder, 'bin/backend/preau'), backend, 0o755);
  write(join(folder, 'server/cups-files.conf'), filesConf, 0o644);
  write(join(folder, 'server/cupsd.conf'), daemonConf, 0o644);
  write(join(folder, 'server/printers.conf'), printersConf, 0o644);
  write(join(folder, 'server/ppd/Preau.ppd'), description, 0o644);
  write(join(folder, 'whole'), '', 0o644);
  return folder;
}

/** CUPS calls it with job, user, title, copies, options and, for a job of several files, a file.
 * Without arguments it describes itself. */
const backend = `#!/bin/sh
export LC_ALL=C.UTF-8
if [ $# -eq 0 ]; then echo 'direct preau "Unknown" "Preau"'; exit 0; fi
if [ "$(du -sm ${printFolder} | cut -f1)" -gt 500 ]; then echo 'ERROR: too much waits to be fetched' >&2; exit 1; fi
title=$(printf '%s' "$3" | tr -d '\\000-\\037/\\\\' | sed -E 's/^[. ]*//; s/\\.(pdf|PDF)$//; s/^(.{0,80}).*/\\1/')
name="\${title:-Pages}.pdf"
if [ -e "${printFolder}/out/$name" ]; then name="\${title:-Pages} ($1).pdf"; fi
cat "\${6:--}" > "${printFolder}/spool/tmp/$1.part" && mv "${printFolder}/spool/tmp/$1.part" "${printFolder}/out/$name"
`;

const filesConf = `ServerRoot ${printFolder}/server
DataDir /usr/share/cups
RequestRoot ${printFolder}/spool
TempDir ${printFolder}/spool/tmp
CacheDir ${printFolder}/cache
StateDir ${printFolder}/state
ServerBin ${printerFolder}/bin
AccessLog /dev/null
ErrorLog /dev/null
PageLog /dev/null
Printcap ${printFolder}/state/printcap
SystemGroup nogroup
User nobody
Group nogroup
`;

const daemonConf = `Listen ${printSocket}
LogLevel none
Browsing Off
BrowseLocalProtocols none
DefaultAuthType None
WebInterface No
PreserveJobHistory No
PreserveJobFiles No
MaxJobs 50
<Location />
  Order allow,deny
  Allow all
</Location>
<Policy default>
  <Limit All>
    Order deny,allow
    Allow all
  </Limit>
</Policy>
`;

const printersConf = `<DefaultPrinter Preau>
Info Préau
DeviceURI preau:/
State Idle
Type 4
Accepting Yes
Shared No
JobSheets none none
ErrorPolicy abort-job
</DefaultPrinter>
`;

/** Paper sizes in points, portrait. */
const papers = { A4: [595, 842], A3: [842, 1191], A5: [420, 595], Letter: [612, 792] } as const;
const each = (line: (name: string, width: number, height: number) => string) =>
  Object.entries(papers)
    .map(([name, [width, height]]) => line(name, width, height))
    .join('\n');

/** Printer description for programs (PPD 4.3): colour, four borderless paper sizes, pages as
 * PDF. */
const description = `*PPD-Adobe: "4.3"
*FormatVersion: "4.3"
*FileVersion: "1.0"
*LanguageVersion: English
*LanguageEncoding: ISOLatin1
*PCFileName: "PREAU.PPD"
*Manufacturer: "Preau"
*Product: "(Preau)"
*ModelName: "Preau"
*ShortNickName: "Preau"
*NickName: "Preau"
*PSVersion: "(3010.000) 0"
*LanguageLevel: "3"
*ColorDevice: True
*DefaultColorSpace: RGB
*FileSystem: False
*cupsFilter2: "application/vnd.cups-pdf application/pdf 0 -"
*OpenUI *PageSize/Page Size: PickOne
*OrderDependency: 10 AnySetup *PageSize
*DefaultPageSize: A4
${each((name) => `*PageSize ${name}/${name}: ""`)}
*CloseUI: *PageSize
*OpenUI *PageRegion/Page Region: PickOne
*OrderDependency: 10 AnySetup *PageRegion
*DefaultPageRegion: A4
${each((name) => `*PageRegion ${name}/${name}: ""`)}
*CloseUI: *PageRegion
*DefaultImageableArea: A4
${each((name, width, height) => `*ImageableArea ${name}: "0 0 ${width} ${height}"`)}
*DefaultPaperDimension: A4
${each((name, width, height) => `*PaperDimension ${name}: "${width} ${height}"`)}
`;

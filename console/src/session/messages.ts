/** Every sentence about a session's files, printed pages and recording, in both languages; the
 * compiler keeps them complete. */
import { messages } from '../lib/page.svelte.ts';

export const sessionWords = messages({
  files: { fr: 'Fichiers', en: 'Files' },
  filesN: {
    fr: (n: number) => (n === 0 ? 'Fichiers' : `Fichiers (${n})`),
    en: (n: number) => (n === 0 ? 'Files' : `Files (${n})`),
  },
  close: { fr: 'Fermer le panneau', en: 'Close the panel' },
  bring: { fr: 'Envoyer des fichiers', en: 'Send files' },
  bringHint: {
    fr: 'Ils arrivent dans le dossier « Mon appareil » de l’application.',
    en: 'They arrive in the application’s folder “My device”.',
  },
  dropHere: { fr: 'Lâchez les fichiers ici', en: 'Drop the files here' },
  sending: {
    fr: (percent: number) => `envoi ${percent} %`,
    en: (percent: number) => `sending ${percent}%`,
  },
  onTheWay: { fr: 'en route vers l’école…', en: 'on the way to the school…' },
  arrived: { fr: 'arrivé dans « Mon appareil »', en: 'arrived in “My device”' },
  cancel: { fr: 'Annuler l’envoi', en: 'Cancel sending' },
  tooLarge: {
    fr: (name: string) => `${name} dépasse 200 Mo.`,
    en: (name: string) => `${name} is larger than 200 MB.`,
  },
  folderRefused: {
    fr: (name: string) => `${name} : un dossier ne peut pas être envoyé. Envoyez ses fichiers.`,
    en: (name: string) => `${name}: a folder cannot be sent. Send the files in it.`,
  },
  nameRefused: {
    fr: (name: string) => `${name} : ce nom de fichier n’est pas possible. Renommez-le d’abord.`,
    en: (name: string) => `${name}: this file name is not possible. Rename it first.`,
  },
  take: { fr: 'Récupérer', en: 'Get' },
  takeTitle: { fr: 'Récupérer sur cet appareil', en: 'Get onto this device' },
  takeHint: {
    fr: 'Enregistrez dans le dossier « Mon appareil » : le fichier apparaît ici.',
    en: 'Save into the folder “My device”: the file shows here.',
  },
  nothing: {
    fr: 'Aucun fichier dans « Mon appareil » pour le moment.',
    en: 'No file in “My device” yet.',
  },
  fetching: { fr: 'arrive de l’école…', en: 'coming from the school…' },
  taken: { fr: 'récupéré', en: 'received' },
  again: { fr: 'Encore', en: 'Again' },
  failed: { fr: 'échec', en: 'failed' },
  dismiss: { fr: 'Masquer', en: 'Hide' },
  takeOf: { fr: (name: string) => `Récupérer ${name}`, en: (name: string) => `Get ${name}` },
  pagesReady: {
    fr: (name: string) => `Pages prêtes : ${name}`,
    en: (name: string) => `Pages ready: ${name}`,
  },
  pagesComing: {
    fr: (name: string) => `Les pages arrivent : ${name}…`,
    en: (name: string) => `Pages are coming: ${name}…`,
  },
  print: { fr: 'Imprimer', en: 'Print' },
  printHint: {
    fr: 'Elles s’ouvrent dans un onglet : imprimez-les de là.',
    en: 'They open in a tab: print them from there.',
  },
  later: { fr: 'Plus tard', en: 'Later' },
  pagesN: { fr: (n: number) => `Pages (${n})`, en: (n: number) => `Pages (${n})` },
  recorded: { fr: 'Enregistrée', en: 'Recorded' },
  recordedHint: {
    fr:
      'Ce que montre l’écran de cette application est enregistré. Votre école en décide ; un ' +
      'technicien peut revoir l’enregistrement.',
    en:
      'What this application’s screen shows is recorded. Your school decides so; a technician ' +
      'can look at the recording.',
  },
  recordedTitle: { fr: 'Cette séance est enregistrée', en: 'This session is recorded' },
  understood: { fr: 'J’ai compris', en: 'I understand' },
});

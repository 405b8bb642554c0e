/** Every sentence about a session's files, printed pages and recording, in both languages; the compiler keeps them complete. */
import { page } from './page.svelte.ts';

const fr = {
  files: 'Fichiers', filesN: (n: number) => (n === 0 ? 'Fichiers' : `Fichiers (${n})`), close: 'Fermer le panneau',
  bring: 'Envoyer des fichiers', bringHint: 'Ils arrivent dans le dossier « Mon appareil » de l’application.', dropHere: 'Lâchez les fichiers ici', sending: (percent: number) => `envoi ${percent} %`, onTheWay: 'en route vers l’école…', arrived: 'arrivé dans « Mon appareil »', cancel: 'Annuler l’envoi', tooLarge: (name: string) => `${name} dépasse 200 Mo.`, folderRefused: (name: string) => `${name} : un dossier ne peut pas être envoyé. Envoyez ses fichiers.`, nameRefused: (name: string) => `${name} : ce nom de fichier n’est pas possible. Renommez-le d’abord.`,
  take: 'Récupérer', takeTitle: 'Récupérer sur cet appareil', takeHint: 'Enregistrez dans le dossier « Mon appareil » : le fichier apparaît ici.', nothing: 'Aucun fichier dans « Mon appareil » pour le moment.', fetching: 'arrive de l’école…', taken: 'récupéré', again: 'Encore', failed: 'échec', dismiss: 'Masquer', takeOf: (name: string) => `Récupérer ${name}`,
  pagesReady: (name: string) => `Pages prêtes : ${name}`, pagesComing: (name: string) => `Les pages arrivent : ${name}…`, print: 'Imprimer', printHint: 'Elles s’ouvrent dans un onglet : imprimez-les de là.', later: 'Plus tard', pagesN: (n: number) => `Pages (${n})`,
  recorded: 'Enregistrée', recordedHint: 'Ce que montre l’écran de cette application est enregistré. Votre école en décide ; un technicien peut revoir l’enregistrement.', recordedTitle: 'Cette séance est enregistrée', understood: 'J’ai compris',
};
export type ExchangeMessages = typeof fr;
const en: ExchangeMessages = {
  files: 'Files', filesN: (n) => (n === 0 ? 'Files' : `Files (${n})`), close: 'Close the panel',
  bring: 'Send files', bringHint: 'They arrive in the application’s folder “My device”.', dropHere: 'Drop the files here', sending: (percent) => `sending ${percent}%`, onTheWay: 'on the way to the school…', arrived: 'arrived in “My device”', cancel: 'Cancel sending', tooLarge: (name) => `${name} is larger than 200 MB.`, folderRefused: (name) => `${name}: a folder cannot be sent. Send the files in it.`, nameRefused: (name) => `${name}: this file name is not possible. Rename it first.`,
  take: 'Get', takeTitle: 'Get onto this device', takeHint: 'Save into the folder “My device”: the file shows here.', nothing: 'No file in “My device” yet.', fetching: 'coming from the school…', taken: 'received', again: 'Again', failed: 'failed', dismiss: 'Hide', takeOf: (name) => `Get ${name}`,
  pagesReady: (name) => `Pages ready: ${name}`, pagesComing: (name) => `Pages are coming: ${name}…`, print: 'Print', printHint: 'They open in a tab: print them from there.', later: 'Later', pagesN: (n) => `Pages (${n})`,
  recorded: 'Recorded', recordedHint: 'What this application’s screen shows is recorded. Your school decides so; a technician can look at the recording.', recordedTitle: 'This session is recorded', understood: 'I understand',
};

export const x = (): ExchangeMessages => (page.language === 'fr' ? fr : en);

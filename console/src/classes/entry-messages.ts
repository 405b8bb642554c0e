/** How a child signs in, in both languages; the compiler keeps them complete. */
import type { Thing } from '@preau/contract/drawings.ts';
import { messages } from '../lib/page.svelte.ts';
import { enS, frS } from '../lib/plural.ts';
import type { Both } from '../lib/words.ts';

export const entryWords = messages({
  entryTitle: { fr: 'Bonjour !', en: 'Hello!' },
  myBadge: { fr: 'Mon badge', en: 'My badge' },
  myClass: { fr: 'Ma classe', en: 'My class' },
  showBadge: { fr: 'Montre ton badge à la caméra', en: 'Show your badge to the camera' },
  scanHint: {
    fr: 'Tu as un lecteur ? Passe ton badge devant : c’est tout.',
    en: 'Is there a scanner? Hold your badge in front of it: that is all.',
  },
  cameraAsk: { fr: 'Préparation de la caméra…', en: 'Getting the camera ready…' },
  cameraDenied: {
    fr: 'La caméra n’est pas autorisée. Autorise-la dans le navigateur, ou choisis ta classe.',
    en: 'The camera is not allowed. Allow it in the browser, or choose your class.',
  },
  cameraNone: {
    fr: 'Cet appareil n’a pas de caméra libre. Choisis ta classe, ou utilise le lecteur.',
    en: 'This device has no camera to spare. Choose your class, or use the scanner.',
  },
  cameraUnsafe: {
    fr: 'La caméra ne marche que sur une adresse sécurisée (https). Choisis ta classe, ou utilise le lecteur.',
    en: 'The camera works on a secure address (https) only. Choose your class, or use the scanner.',
  },
  cameraView: { fr: 'Ce que voit la caméra', en: 'What the camera sees' },
  stopCamera: { fr: 'Arrêter la caméra', en: 'Stop the camera' },
  reading: { fr: 'Je lis ton badge…', en: 'Reading your badge…' },
  entryElsewhere: {
    fr: 'Cet appareil n’est pas sur le réseau d’une école : les classes ne s’affichent qu’à l’école.',
    en: 'This device is not on a school’s network: classes are shown at school only.',
  },
  entryClosed: { fr: 'Ce n’est pas l’heure de la classe.', en: 'This is not class time.' },
  entryOpens: {
    fr: (when: string) => `Reviens ${when}.`,
    en: (when: string) => `Come back ${when}.`,
  },
  noClasses: {
    fr: 'Aucune classe dans cette école pour le moment.',
    en: 'No class in this school yet.',
  },
  whoAreYou: { fr: 'Qui es-tu ?', en: 'Who are you?' },
  chooseThree: { fr: 'Tes trois images, dans l’ordre', en: 'Your three pictures, in order' },
  chosen: {
    fr: (n: number) => `${n} image${frS(n)} sur 3`,
    en: (n: number) => `${n} picture${enS(n)} of 3`,
  },
  startAgain: { fr: 'Recommencer', en: 'Start again' },
  back: { fr: 'Retour', en: 'Back' },
  noPictures: {
    fr: 'Pas encore d’images : demande à ton enseignant, ou utilise ton badge.',
    en: 'No pictures yet: ask your teacher, or use your badge.',
  },
  hello: { fr: (name: string) => `Bonjour ${name} !`, en: (name: string) => `Hello ${name}!` },
  objects: {
    sun: { fr: 'soleil', en: 'sun' },
    moon: { fr: 'lune', en: 'moon' },
    star: { fr: 'étoile', en: 'star' },
    house: { fr: 'maison', en: 'house' },
    tree: { fr: 'arbre', en: 'tree' },
    boat: { fr: 'bateau', en: 'boat' },
    flower: { fr: 'fleur', en: 'flower' },
    apple: { fr: 'pomme', en: 'apple' },
    balloon: { fr: 'ballon', en: 'balloon' },
    car: { fr: 'voiture', en: 'car' },
    heart: { fr: 'cœur', en: 'heart' },
    umbrella: { fr: 'parapluie', en: 'umbrella' },
  } satisfies Record<Thing, Both>,
  picturesFor: {
    fr: (name: string) => `Les trois images de ${name}`,
    en: (name: string) => `${name}’s three pictures`,
  },
  picturesHint: {
    fr: 'Touchez trois images différentes, dans l’ordre. Montrez-les à l’enfant : elles ne se relisent pas ensuite.',
    en: 'Touch three different pictures, in order. Show them to the child: they cannot be read again afterwards.',
  },
  removePictures: { fr: 'Enlever les images', en: 'Take the pictures away' },
});

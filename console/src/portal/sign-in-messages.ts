/** Signing in, in both languages; the compiler keeps them complete. */
import { messages } from '../lib/page.svelte.ts';

export const signInWords = messages({
  welcome: { fr: 'Bonjour !', en: 'Hello!' },
  with: { fr: 'Se connecter avec', en: 'Sign in with' },
  or: { fr: 'ou avec un identifiant', en: 'or with a user name' },
  badge: { fr: 'J’ai un badge', en: 'I have a badge' },
  passkey: { fr: 'Clé d’accès', en: 'Passkey' },
  elsewhere: {
    fr: (name: string) => `Cette adresse se connecte par « ${name} ».`,
    en: (name: string) => `This address signs in through “${name}”.`,
  },
  here: { fr: 'Pour cette école', en: 'For this school' },
  otherWays: { fr: 'Autres façons de se connecter', en: 'Other ways to sign in' },
  factorTitle: { fr: 'Encore une étape', en: 'One more step' },
  factorText: {
    fr: 'Donnez les six chiffres affichés par votre téléphone.',
    en: 'Give the six digits that your telephone shows.',
  },
  recoveryText: {
    fr: 'Donnez un de vos codes de secours : il ne servira qu’une fois.',
    en: 'Give one of your recovery codes: it works only once.',
  },
  recovery: { fr: 'Code de secours', en: 'Recovery code' },
  useRecovery: { fr: 'Je n’ai pas mon téléphone', en: 'I do not have my telephone' },
  useCode: { fr: 'Utiliser mon téléphone', en: 'Use my telephone' },
  continue: { fr: 'Continuer', en: 'Continue' },
  startAgain: { fr: 'Recommencer', en: 'Start again' },
  again: {
    fr: (seconds: number) =>
      `Beaucoup de monde se connecte en ce moment. Nouvel essai dans ${seconds} s, sans rien faire.`,
    en: (seconds: number) =>
      `Many people are signing in right now. Trying again in ${seconds} s; you need do nothing.`,
  },
  usePasskey: { fr: 'Utiliser ma clé d’accès', en: 'Use my passkey' },
});

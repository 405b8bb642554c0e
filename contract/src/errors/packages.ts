/** Refusals of a server's package manager, which are known before anything is changed, and what an
 * installer cannot cope with. */
import type { ErrorRow } from './row.ts';

export const packageErrors = {
  PACKAGE_CONFLICT: {
    status: 409,
    retryable: false,
    fr:
      'Ce changement retirerait un paquet dont une autre application a besoin, ou que Préau n’a pas ' +
      'installé : rien n’a été changé. Le détail nomme les deux ; gardez l’un ou l’autre.',
    en:
      'This change would remove a package that another application needs, or that Préau did not ' +
      'install: nothing was changed. The detail names both; keep one or the other.',
  },
  PACKAGE_HELD: {
    status: 409,
    retryable: false,
    fr:
      'Un paquet nécessaire est figé sur ce serveur dans une autre version. Libérez-le ' +
      '(apt-mark unhold), puis réessayez.',
    en:
      'A package that is needed is held on this server in another version. Release it ' +
      '(apt-mark unhold), then try again.',
  },
  PACKAGE_VIRTUAL: {
    status: 422,
    retryable: false,
    fr:
      'La recette nomme un paquet virtuel, que d’autres paquets fournissent. Nommez dans la recette ' +
      'l’un de ceux du détail.',
    en:
      'The recipe names a virtual package, which other packages provide. Name one of those in the ' +
      'detail in the recipe.',
  },
  PACKAGES_BROKEN: {
    status: 409,
    retryable: false,
    fr:
      'Des paquets que Préau n’a pas installés sont incomplets sur ce serveur. Réparez-les ' +
      '(apt --fix-broken install), puis réessayez.',
    en:
      'Packages that Préau did not install are incomplete on this server. Repair them ' +
      '(apt --fix-broken install), then try again.',
  },
  PACKAGES_LOCKED: {
    status: 423,
    retryable: true,
    fr:
      'Un autre programme du serveur travaille sur les paquets depuis trop longtemps. Attendez qu’il ' +
      'ait fini, ou arrêtez-le, puis réessayez.',
    en:
      'Another program on the server has been working on the packages for too long. Wait until it ' +
      'has finished, or stop it, then try again.',
  },
  SOURCE_UNREADABLE: {
    status: 502,
    retryable: true,
    fr:
      'Une source de paquets de ce serveur ne se lit plus (clé périmée, adresse disparue). Réparez ' +
      'ou retirez celle que nomme le détail.',
    en:
      'A package source of this server can no longer be read (dead key, address gone). Repair or ' +
      'remove the one that the detail names.',
  },
  INSTALL_ASKS: {
    status: 422,
    retryable: false,
    fr:
      'L’installation a posé une question, et personne n’est là pour répondre. Choisissez un paquet ' +
      'ou un script qui ne demande rien.',
    en:
      'The installation asked a question, and nobody is there to answer. Choose a package or a ' +
      'script that asks nothing.',
  },
} as const satisfies Record<string, ErrorRow>;

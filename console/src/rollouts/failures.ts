/** Why an installation failed, and what to do next, for each code that one can end with. The test
 * beside it walks the agent’s sources: a code without its sentences fails there. */
import type { Both } from '../lib/words.ts';

export const failures: Readonly<Record<string, { cause: Both; next: Both }>> = {
  PACKAGE_NOT_FOUND: {
    cause: {
      fr: 'Un paquet de la recette n’existe pas dans les sources de ce serveur.',
      en: 'A package of the recipe does not exist in this server’s sources.',
    },
    next: {
      fr: 'Corrigez le nom du paquet dans la recette, ou ajoutez la source qui le contient, puis réessayez.',
      en: 'Correct the package’s name in the recipe, or add the source that has it, then try again.',
    },
  },
  PACKAGE_CONFLICT: {
    cause: {
      fr:
        'Ce changement retirerait un paquet dont une autre application a besoin, ou que Préau ' +
        'n’a pas installé. Rien n’a été changé.',
      en:
        'This change would remove a package that another application needs, or that Préau did ' +
        'not install. Nothing was changed.',
    },
    next: {
      fr: 'Choisissez : retirez d’abord l’autre application de cette école, ou n’y installez pas celle-ci.',
      en: 'Choose: first remove the other application from this school, or do not install this one there.',
    },
  },
  PACKAGE_HELD: {
    cause: {
      fr: 'Un paquet nécessaire est figé sur ce serveur dans une autre version.',
      en: 'A package that is needed is held on this server in another version.',
    },
    next: {
      fr: 'Sur le serveur, libérez-le avec « apt-mark unhold », puis réessayez.',
      en: 'On the server, release it with “apt-mark unhold”, then try again.',
    },
  },
  PACKAGE_VIRTUAL: {
    cause: {
      fr: 'La recette nomme un paquet virtuel, que d’autres paquets fournissent.',
      en: 'The recipe names a virtual package, which other packages provide.',
    },
    next: {
      fr: 'Nommez dans la recette l’un des paquets que cite l’installateur, puis réessayez.',
      en: 'In the recipe, name one of the packages that the installer lists, then try again.',
    },
  },
  PACKAGES_BROKEN: {
    cause: {
      fr: 'Des paquets que Préau n’a pas installés sont incomplets sur ce serveur.',
      en: 'Packages that Préau did not install are incomplete on this server.',
    },
    next: {
      fr: 'Sur le serveur, réparez-les avec « apt --fix-broken install », puis réessayez.',
      en: 'On the server, repair them with “apt --fix-broken install”, then try again.',
    },
  },
  PACKAGES_LOCKED: {
    cause: {
      fr: 'Un autre programme du serveur travaille sur les paquets depuis trop longtemps.',
      en: 'Another program on the server has been working on the packages for too long.',
    },
    next: {
      fr: 'Attendez qu’il ait fini, souvent les mises à jour de nuit, puis réessayez.',
      en: 'Wait until it has finished, often the nightly updates, then try again.',
    },
  },
  SOURCE_UNREADABLE: {
    cause: {
      fr: 'Une source de paquets de ce serveur ne se lit plus : clé périmée, ou adresse disparue.',
      en: 'A package source of this server can no longer be read: a dead key, or an address that is gone.',
    },
    next: {
      fr: 'Réparez ou retirez la source que nomme l’installateur, puis réessayez.',
      en: 'Repair or remove the source that the installer names, then try again.',
    },
  },
  SOURCE_REFUSED: {
    cause: {
      fr: 'La source de paquets n’est pas signée par la clé de la recette.',
      en: 'The package source is not signed by the recipe’s key.',
    },
    next: {
      fr: 'Vérifiez la clé et l’adresse dans la recette auprès de l’éditeur, puis réessayez.',
      en: 'Check the key and the address in the recipe with the publisher, then try again.',
    },
  },
  INSTALL_FAILED: {
    cause: {
      fr: 'L’installateur s’est arrêté sur une erreur.',
      en: 'The installer stopped with an error.',
    },
    next: {
      fr: 'Lisez la fin de son journal ci-dessous : elle nomme la cause. Corrigez, puis réessayez.',
      en: 'Read the end of its log below: it names the cause. Correct it, then try again.',
    },
  },
  INSTALL_ASKS: {
    cause: {
      fr: 'L’installation a posé une question, et personne n’est là pour répondre.',
      en: 'The installation asked a question, and nobody is there to answer.',
    },
    next: {
      fr: 'Choisissez un paquet ou un script qui ne demande rien, ou des options qui répondent d’avance.',
      en: 'Choose a package or a script that asks nothing, or options that answer beforehand.',
    },
  },
  INSTALL_TIMED_OUT: {
    cause: {
      fr: 'L’installation n’a pas fini à temps ; elle a été arrêtée.',
      en: 'The installation did not finish in time; it was stopped.',
    },
    next: {
      fr: 'Réessayez avec un délai plus long par serveur ; si cela recommence, lisez où le journal s’arrête.',
      en: 'Try again with more time per server; if it happens again, read where the log stops.',
    },
  },
  NOT_DETECTED: {
    cause: {
      fr: 'L’installation s’est bien terminée, mais la règle de détection ne trouve pas l’application.',
      en: 'The installation ended well, but the detection rule does not find the application.',
    },
    next: {
      fr: 'Corrigez la détection dans la recette : le nom du paquet, le fichier ou la version.',
      en: 'Correct the detection in the recipe: the package’s name, the file or the version.',
    },
  },
  NOT_APPLICABLE: {
    cause: {
      fr: 'L’application n’a pas de recette pour le système de ce serveur.',
      en: 'The application has no recipe for this server’s system.',
    },
    next: {
      fr: 'Ajoutez une version avec une recette pour ce système, ou laissez ce serveur de côté.',
      en: 'Add a version with a recipe for this system, or leave this server out.',
    },
  },
  REMOVE_FAILED: {
    cause: {
      fr: 'La désinstallation s’est arrêtée sur une erreur.',
      en: 'The removal stopped with an error.',
    },
    next: {
      fr: 'Lisez la fin du journal ci-dessous, corrigez, puis réessayez.',
      en: 'Read the end of the log below, correct it, then try again.',
    },
  },
  ROLLBACK_FAILED: {
    cause: {
      fr: 'Le retour à l’état précédent s’est arrêté sur une erreur.',
      en: 'Going back to the previous state stopped with an error.',
    },
    next: {
      fr: 'Lisez la fin du journal ci-dessous, corrigez, puis réessayez.',
      en: 'Read the end of the log below, correct it, then try again.',
    },
  },
  HASH_MISMATCH: {
    cause: {
      fr: 'Le fichier reçu n’est pas celui que la recette annonce : son empreinte ou sa taille diffère.',
      en: 'The file received is not the one that the recipe announces: its hash or size differs.',
    },
    next: {
      fr: 'Vérifiez que l’éditeur n’a pas remplacé le fichier ; mettez la recette à jour, puis réessayez.',
      en: 'Check that the publisher has not replaced the file; update the recipe, then try again.',
    },
  },
  DOWNLOAD_FAILED: {
    cause: {
      fr: 'Le téléchargement a échoué ou n’avance plus.',
      en: 'The download failed or no longer advances.',
    },
    next: {
      fr: 'Vérifiez la ligne de l’école et l’adresse de la source, puis réessayez.',
      en: 'Check the school’s line and the address of the source, then try again.',
    },
  },
  ARCHIVE_REFUSED: {
    cause: {
      fr: 'L’archive est illisible, ou dangereuse : chemin hors de son dossier, lien, taille. Rien n’a été écrit.',
      en: 'The archive is unreadable, or dangerous: a path outside its folder, a link, its size. Nothing was written.',
    },
    next: {
      fr: 'Demandez à l’éditeur une archive saine, puis ajoutez-la comme nouvelle version.',
      en: 'Ask the publisher for a sound archive, then add it as a new version.',
    },
  },
  SCRIPT_REFUSED: {
    cause: {
      fr: 'Ce script n’a pas été relu et signé par un second technicien.',
      en: 'This script was not reviewed and signed by a second technician.',
    },
    next: {
      fr: 'Faites-le relire dans Applications, Scripts, puis réessayez.',
      en: 'Have it reviewed under Applications, Scripts, then try again.',
    },
  },
  DISK_FULL: {
    cause: {
      fr: 'Le disque du serveur est plein.',
      en: 'The server’s disk is full.',
    },
    next: {
      fr: 'Libérez de la place sur le serveur, puis réessayez.',
      en: 'Make room on the server, then try again.',
    },
  },
  AGENT_CRASHED: {
    cause: {
      fr: 'Le serveur ou son agent s’est arrêté pendant l’installation, et l’application n’est pas là.',
      en: 'The server or its agent stopped during the installation, and the application is not there.',
    },
    next: {
      fr: 'Réessayez ; si cela recommence, regardez le journal de l’agent sur le serveur.',
      en: 'Try again; if it happens again, look at the agent’s log on the server.',
    },
  },
  ORDER_POISONED: {
    cause: {
      fr: 'Cet ordre a fait tomber l’agent deux fois : il le refuse désormais.',
      en: 'This order has made the agent crash twice: it refuses it from now on.',
    },
    next: {
      fr: 'Regardez le journal de l’agent sur le serveur avant de recommencer avec un nouveau déploiement.',
      en: 'Look at the agent’s log on the server before you begin again with a new rollout.',
    },
  },
  CLOCK_SKEWED: {
    cause: {
      fr: 'L’horloge de ce serveur est décalée de plus de cinq minutes : il ne peut pas suivre un créneau.',
      en: 'This server’s clock is more than five minutes off: it cannot keep to a window.',
    },
    next: {
      fr: 'Réglez l’horloge du serveur (NTP), puis réessayez.',
      en: 'Set the server’s clock (NTP), then try again.',
    },
  },
  NOT_FOUND: {
    cause: {
      fr: 'La ville n’a pas un fichier dont la recette a besoin.',
      en: 'The city does not have a file that the recipe needs.',
    },
    next: {
      fr: 'Envoyez-le de nouveau dans Applications, Fichiers, puis réessayez.',
      en: 'Upload it again under Applications, Files, then try again.',
    },
  },
  INTERNAL: {
    cause: {
      fr: 'L’agent a rencontré une erreur qu’il ne connaît pas.',
      en: 'The agent met an error that it does not know.',
    },
    next: {
      fr: 'Réessayez ; si cela recommence, envoyez le journal de l’agent à l’équipe de Préau.',
      en: 'Try again; if it happens again, send the agent’s log to the people who make Préau.',
    },
  },
};

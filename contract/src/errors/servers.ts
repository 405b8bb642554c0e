/** Refusals about enrolling and adding servers, and about the states sent to them. */
import type { ErrorRow } from './row.ts';

export const serverErrors = {
  ENROLMENT_CODE_REFUSED: {
    status: 403,
    retryable: false,
    fr: 'Ce code d’enrôlement est inconnu, expiré ou déjà utilisé. Créez-en un nouveau dans la console.',
    en: 'This enrolment code is unknown, expired or already used. Create a new one in the console.',
  },
  AGENT_REFUSED: {
    status: 401,
    retryable: false,
    fr: 'Ce serveur n’est pas reconnu. Enrôlez-le de nouveau.',
    en: 'This server is not recognised. Enrol it again.',
  },
  CLOCK_SKEWED: {
    status: 401,
    retryable: true,
    fr: 'L’horloge de ce serveur est décalée de plus de 5 minutes. Réglez-la puis réessayez.',
    en: 'This server’s clock is more than 5 minutes off. Set it and try again.',
  },
  PROTOCOL_UNSUPPORTED: {
    status: 426,
    retryable: false,
    fr: 'Cet agent parle un protocole inconnu. Mettez-le à jour.',
    en: 'This agent speaks an unknown protocol. Update it.',
  },
  STATE_SIGNATURE_INVALID: {
    status: 400,
    retryable: false,
    fr: 'L’état reçu n’est pas signé par le contrôleur connu.',
    en: 'The state received is not signed by the known controller.',
  },
  STATE_FOR_ANOTHER_SERVER: {
    status: 400,
    retryable: false,
    fr: 'L’état reçu est celui d’un autre serveur.',
    en: 'The state received is for another server.',
  },
  STATE_OLDER: {
    status: 400,
    retryable: false,
    fr: 'L’état reçu est plus ancien que celui déjà appliqué.',
    en: 'The state received is older than the one applied.',
  },
  STATE_MALFORMED: {
    status: 400,
    retryable: false,
    fr: 'L’état reçu contient un champ inconnu ou invalide.',
    en: 'The state received has an unknown or invalid field.',
  },
  SERVER_QUARANTINED: {
    status: 403,
    retryable: false,
    fr: 'Deux machines utilisent l’identité de ce serveur : il est mis à l’écart. Enrôlez de nouveau chacune des deux.',
    en: 'Two machines use this server’s identity: it is set apart. Enrol each of them anew.',
  },
  DISPLAY_REFUSED: {
    status: 422,
    retryable: false,
    fr:
      'L’adresse d’affichage indiquée par le serveur de l’école n’est pas celle que la ville ' +
      'connaît. Prévenez le technicien : il la confirme sur la page du serveur.',
    en:
      'The display address that the school’s server names is not the one the city knows. Tell the ' +
      'technician, who confirms it on the server’s page.',
  },
  RESTART_UNKNOWN: {
    status: 409,
    retryable: false,
    fr: 'L’agent de ce serveur ne sait pas encore redémarrer la machine. Mettez l’agent à jour, puis recommencez.',
    en: 'This server’s agent cannot restart the machine yet. Update the agent, then start again.',
  },
  HOST_KEY_CHANGED: {
    status: 409,
    retryable: false,
    fr: 'La clé du serveur n’est pas celle que vous avez confirmée. Vérifiez que c’est la bonne machine.',
    en: 'The server’s key is not the one you confirmed. Check that it is the right machine.',
  },
  SSH_FAILED: {
    status: 502,
    retryable: true,
    fr: 'La connexion SSH a échoué. Vérifiez l’adresse, l’identifiant et le mot de passe ou la clé.',
    en: 'The SSH connection failed. Check the address, the user and the password or key.',
  },
  SSH_SIGN_IN_REFUSED: {
    status: 401,
    retryable: false,
    fr: 'Le serveur refuse cet identifiant, ce mot de passe ou cette clé. Corrigez, puis recommencez.',
    en: 'The server refuses this user, password or key. Correct it, then start again.',
  },
  SUDO_REFUSED: {
    status: 403,
    retryable: false,
    fr: 'Ce compte ne peut pas agir en tant que root avec sudo. Vérifiez ses droits et son mot de passe.',
    en: 'This account cannot act as root with sudo. Check its rights and its password.',
  },
  SERVER_ENROLLED_ALREADY: {
    status: 409,
    retryable: false,
    fr: 'Cette machine est déjà enrôlée et garde son identité. Retirez d’abord ce serveur.',
    en: 'This machine is enrolled already and keeps its identity. Retire that server first.',
  },
  PROXY_PASSWORD_REFUSED: {
    status: 502,
    retryable: true,
    fr:
      'Le proxy de l’école refuse le nom ou le mot de passe donnés. Corrigez-les dans ' +
      '/etc/preau/agent.env (https_proxy), ou relancez l’installateur avec --proxy.',
    en:
      'The school’s proxy refuses the user or password given. Correct them in ' +
      '/etc/preau/agent.env (https_proxy), or run the installer again with --proxy.',
  },
  PROXY_BLOCKS: {
    status: 502,
    retryable: true,
    fr:
      'Le proxy de l’école ne laisse pas passer vers la ville. Faites-y autoriser l’adresse ' +
      'de Préau (méthode CONNECT).',
    en: 'The school’s proxy lets nothing through to the city. Have Préau’s address allowed there (method CONNECT).',
  },
  PROXY_UNREACHABLE: {
    status: 502,
    retryable: true,
    fr:
      'La ville n’est pas joignable par le proxy de l’école. Vérifiez que le proxy répond, ' +
      'et son adresse dans /etc/preau/agent.env.',
    en:
      'The city is not reached through the school’s proxy. Check that the proxy answers, ' +
      'and its address in /etc/preau/agent.env.',
  },
  CERTIFICATE_REFUSED: {
    status: 502,
    retryable: true,
    fr:
      'Le certificat présenté n’est pas celui de la ville : un équipement lit sans doute la ' +
      'connexion. Exemptez-en l’adresse de Préau, ou ajoutez son autorité aux certificats de ce serveur.',
    en:
      'The certificate is not the city’s: something in between probably reads the ' +
      'connection. Exempt Préau’s address there, or add its authority to this server’s certificates.',
  },
  NAME_NOT_FOUND: {
    status: 502,
    retryable: true,
    fr:
      'Le nom de la ville n’est pas trouvé, ou le serveur de noms répond trop tard. ' +
      'Vérifiez l’adresse, puis /etc/resolv.conf sur cette machine.',
    en:
      'The city’s name is not found, or the name server answers too late. Check the ' +
      'address, then /etc/resolv.conf on this machine.',
  },
  ADDITION_ABANDONED: {
    status: 410,
    retryable: true,
    fr: 'Le contrôleur s’est arrêté pendant l’ajout. Recommencez : l’installation reprend où elle en était.',
    en: 'The controller stopped during the addition. Start again: the installation takes up where it was.',
  },
} as const satisfies Record<string, ErrorRow>;

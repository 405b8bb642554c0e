import { hostname } from 'node:os';
import type { DisplayAddress } from '@preau/contract/enrolment.ts';
import { AppError } from '@preau/contract/errors.ts';
import { PROTOCOL } from '@preau/contract/protocol.ts';
import { enrolWithController } from './controller-link.ts';
import { type Identity, newKeyPair, saveIdentity } from './identity.ts';

/** Exchanges a one-use code for an identity. The controller's key comes from the console, with the
 * code: a controller that answers with another key is refused, and nothing is saved. Throws
 * AppError ENROLMENT_CODE_REFUSED or AGENT_REFUSED. */
export async function enrol(
  stateFolder: string,
  input: {
    controllerUrl: string;
    controllerKey: string;
    code: string;
    /** Where guacd reaches this server's displays. */
    display?: DisplayAddress;
  },
): Promise<Identity> {
  const { privateKey, publicKey } = newKeyPair();
  const controllerUrl = input.controllerUrl.replace(/\/+$/, '');
  const answer = await enrolWithController(controllerUrl, {
    code: input.code,
    publicKey,
    hostname: hostname(),
    protocol: PROTOCOL,
    ...(input.display === undefined ? {} : { display: input.display }),
  });
  if (answer.controllerKey !== input.controllerKey)
    throw new AppError('AGENT_REFUSED', {
      why: 'the controller answered with another key than the one given with the code',
    });
  const identity = {
    serverId: answer.serverId,
    controllerUrl,
    controllerKey: answer.controllerKey,
    privateKey,
  };
  saveIdentity(stateFolder, identity);
  return identity;
}

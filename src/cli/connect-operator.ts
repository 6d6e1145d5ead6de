import { loadConfig } from '../config.ts';
import { connectNats } from '../runtime/nats-link.ts';
import type { Io } from './command.ts';
import { natsAddress } from './nats-address.ts';

/** Signs in with the configured credential, to command the running validator. Throws `log.unavailable`. */
export async function connectOperator(io: Io) {
  const nc = await connectNats(await natsAddress(loadConfig(io.env), 'eirel operator'));
  return { nc, [Symbol.asyncDispose]: () => nc.close() };
}

import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { POD_EXIT } from './exit-codes.ts';

/** One closed port may be a packet lost; so many in a row are a policy in force. */
const CLOSED_IN_A_ROW = 5;

/** Services of the same cluster answer within milliseconds. */
const CONNECT_TIMEOUT_MS = 1_000;
const BETWEEN_MS = 50;

/** A policy comes into force within a second or two. */
const DEADLINE_SECONDS = 30;

/**
 * The program of the init container `netgate`: `netgate.ts <open host:port> <closed host:port> [seconds]` ends well once
 * the first is reachable and the second has not been for several tries in a row. The pod's containers share their network, so what
 * comes after it finds the policy in force.
 */
const [open = '', closed = '', seconds = String(DEADLINE_SECONDS)] = process.argv.slice(2);
process.exitCode = await holdBack();

async function holdBack(): Promise<number> {
  const deadline = performance.now() + Number(seconds) * 1_000;
  for (let refused = 0; performance.now() < deadline; await delay(BETWEEN_MS)) {
    refused = (await reaches(closed)) ? 0 : refused + 1;
    if (refused >= CLOSED_IN_A_ROW && (await reaches(open))) return 0;
  }
  process.stderr.write(`within ${seconds} s ${closed} was not closed, or ${open} not open\n`);
  return POD_EXIT.notClosed;
}

async function reaches(address: string): Promise<boolean> {
  const at = address.lastIndexOf(':');
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: address.slice(0, at), port: Number(address.slice(at + 1)) });
  socket
    .setTimeout(CONNECT_TIMEOUT_MS, () => resolve(false))
    .once('connect', () => resolve(true))
    .once('error', () => resolve(false));
  const reached = await promise;
  socket.destroy();
  return reached;
}

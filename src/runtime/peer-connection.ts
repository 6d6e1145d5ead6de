import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { canonicalAddress } from './address.ts';
import type { Cutoff } from './peer-cutoff.ts';
import { quote, type Refused, refused } from './peer-outcome.ts';
import { describeCause, type Target } from './peer-target.ts';

export type Connected = { readonly kind: 'connected'; readonly socket: Socket };

const ADDRESSES_TRIED_MAX = 4; // refused addresses fail at once, and the time-out bounds the rest

/**
 * An established connection, through TLS for https, to the first of the classified addresses that answers. The name is
 * not resolved a second time, so an answer that changes in between (DNS rebinding) is never followed; not one byte of
 * the request is written before the far end is confirmed to be the classified address.
 */
export async function openConnection(
  target: Target,
  addresses: readonly string[],
  cutoff: Cutoff,
): Promise<Connected | Refused> {
  let last: Connected | Refused = refused(
    'unreachable',
    `${quote(target.hostname)} has no address`,
  );
  for (const address of addresses.slice(0, ADDRESSES_TRIED_MAX)) {
    last = await openTcp(address, target.port, cutoff);
    if (last.kind === 'refused' && last.reason === 'unreachable') continue;
    if (last.kind === 'refused' || !target.secure) return last;
    return openTls(last.socket, target.hostname, cutoff);
  }
  return last;
}

function openTcp(address: string, port: number, cutoff: Cutoff): Promise<Connected | Refused> {
  const socket = connectTcp({ host: address, port, autoSelectFamily: false, noDelay: true });
  return established(socket, 'connect', cutoff, () => {
    const far = socket.remoteAddress;
    if (far !== undefined && canonicalAddress(far) === address) return null;
    return refused(
      'address-forbidden',
      `the connection to ${address} ended at ${quote(far ?? 'an unknown address')}`,
    );
  });
}

function openTls(tcp: Socket, hostname: string, cutoff: Cutoff): Promise<Connected | Refused> {
  const isName = canonicalAddress(hostname) === null;
  // rejectUnauthorized is spelled out because an environment variable could otherwise turn it off.
  const socket = connectTls({
    socket: tcp,
    host: hostname,
    rejectUnauthorized: true,
    ALPNProtocols: ['http/1.1'],
    ...(isName ? { servername: hostname } : {}),
  });
  return established(socket, 'secureConnect', cutoff, () => null);
}

/** Resolves when the socket is usable or failed. The error listener stays, since a socket can fail after its use. */
function established(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  cutoff: Cutoff,
  verify: () => Refused | null,
): Promise<Connected | Refused> {
  return new Promise((resolve) => {
    const fail = (refusal: Refused): void => {
      socket.destroy();
      resolve(refusal);
    };
    const forget = cutoff.onCut(fail);
    const settle = (outcome: Connected | Refused): void => {
      forget();
      if (outcome.kind === 'refused') fail(outcome);
      else resolve(outcome);
    };
    socket.on('error', (cause) => settle(refused('unreachable', describeCause(cause))));
    socket.once('close', () =>
      settle(refused('unreachable', 'the connection was closed before it was established')),
    );
    socket.once(event, () => settle(verify() ?? { kind: 'connected', socket }));
  });
}

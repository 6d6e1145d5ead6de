import { createPeerClient, type FetchOutcome, type PeerLimits } from '#src/runtime/peer-client.ts';

import type { HostileServer } from './hostile-servers.ts';

/** A client that may talk to this machine, with the production limits but for those given. */
export function loopbackClient(
  limits: Partial<PeerLimits> = {},
): ReturnType<typeof createPeerClient> {
  return createPeerClient({ allowLoopback: true, limits });
}

/** What a client of its own makes of the server's root. */
export async function fetchOnce(
  server: HostileServer,
  limits: Partial<PeerLimits> = {},
): Promise<FetchOutcome> {
  await using client = loopbackClient(limits);
  return await client.get(server.url);
}

/** The body as text, or the reason why there is none. */
export function textOf(outcome: FetchOutcome): string {
  return outcome.kind === 'ok' ? new TextDecoder().decode(outcome.body) : outcome.reason;
}

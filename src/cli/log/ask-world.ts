import { verifySr25519 } from '../../chain/hotkey.ts';
import { createPeerClient } from '../../runtime/peer-client.ts';
import type { AskOutside } from '../../sequencer/outside.ts';
import { askOutside, type OwnLogName } from '../validator/ask-outside.ts';
import { currentVoters } from '../validator/current-voters.ts';
import { openChain } from '../validator/open-chain.ts';
import type { LogSite } from './open-log-site.ts';

/** Asks the configured chain, and the voters that it names, what they know of a log of this validator. */
export async function openWorld({ config, owner, signer }: LogSite, signal: AbortSignal) {
  await using opened = new AsyncDisposableStack();
  const chain = opened.use(await openChain(config, { signer }));
  const allowLoopback = config.EIREL_PEER_ADDRESSES === 'loopback';
  const peers = opened.use(createPeerClient({ allowLoopback }));
  const voters = currentVoters(chain, owner.hotkey);
  const asking = { chain, voters, fetch: peers.get, verify: verifySr25519, signal };
  const parts = opened.move();
  return {
    asks: (name: OwnLogName): AskOutside => askOutside(name, asking),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

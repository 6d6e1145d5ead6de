import { verifySr25519 } from '../../chain/hotkey.ts';
import { wait } from '../../runtime/clock.ts';
import { createPeerClient } from '../../runtime/peer-client.ts';
import type { AskOutside } from '../../sequencer/outside.ts';
import { askOutside, type OwnLogName } from '../validator/ask-outside.ts';
import { currentVoters } from '../validator/current-voters.ts';
import { openChain } from '../validator/open-chain.ts';
import type { LogSite } from './open-log-site.ts';

/** By then one of several nodes has answered, or none will. */
const CONNECT_PATIENCE_MS = 20_000;
const ASK_AGAIN_MS = 250;

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
    asks: (name: OwnLogName): AskOutside => {
      const ask = askOutside(name, asking);
      return async () => {
        // A node is connected some time after it was asked for.
        const deadline = performance.now() + CONNECT_PATIENCE_MS;
        for (;;) {
          const outside = await ask();
          if (outside.anchor.known || performance.now() > deadline) return outside;
          await wait(ASK_AGAIN_MS, signal);
          signal.throwIfAborted();
        }
      };
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

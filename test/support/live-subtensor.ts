import type { Known } from '#src/chain/chain.ts';
import { openSubtensor, type Subtensor, type SubtensorDeps } from '#src/chain/subtensor.ts';
import { type Devchain, startDevchain } from '#src/devchain/devchain.ts';
import { devSigner } from './dev-keys.ts';
import { devGenesis } from './dev-subnet.ts';
import { until } from './live-until.ts';

/** A chain that builds blocks on demand, and the adapter connected to it under a validator's hotkey. */
export type LiveSubtensor = Readonly<{ devchain: Devchain; chain: Subtensor }> & AsyncDisposable;

type Options = Readonly<{
  /** Hyperparameters that are not those of `devGenesis`. */
  hyperparameters?: NonNullable<Parameters<typeof devGenesis>[0]>['hyperparameters'];
  /** The name of the key that signs; null for a reader. */
  signer?: string | null;
  keepStates?: number;
  finalityLag?: number;
  deps?: Partial<SubtensorDeps>;
}>;

/** Blocks that are there when a test begins, so that a birth is not the genesis. */
const FIRST_BLOCKS = 5;

export async function liveSubtensor({
  hyperparameters = {},
  signer = 'a',
  keepStates = 300,
  finalityLag = 2,
  deps = {},
}: Options = {}): Promise<LiveSubtensor> {
  const devchain = await startDevchain(devGenesis({ hyperparameters }), {
    blockMs: null,
    finalityLag,
    keepStates,
  });
  await devchain.produceBlock(FIRST_BLOCKS);
  const chain = openChain(devchain, signer, deps);
  await answered(chain.finalizedBlock);
  return {
    devchain,
    chain,
    [Symbol.asyncDispose]: async () => {
      await chain[Symbol.asyncDispose]();
      await devchain[Symbol.asyncDispose]();
    },
  };
}

/** Another adapter on the same chain: what a validator is after it was started again. */
export function openChain(
  devchain: Devchain,
  signer: string | null = 'a',
  deps: Partial<SubtensorDeps> = {},
): Subtensor {
  return openSubtensor(
    {
      endpoints: [devchain.url],
      netuid: 36,
      genesis: devchain.genesisHash,
      signer: signer === null ? null : devSigner(signer),
      versionKey: 0n,
      limits: QUICK,
    },
    deps,
  );
}

/** Drops follow one another quickly in tests. */
const QUICK = {
  firstRetryMs: 5,
  longestRetryMs: 20,
  handshakeSpacingMs: 1,
  handshakeBurst: 1_000,
  handshakeRefillMs: 1,
} as const;

/** Asks again until the chain is known: a connection that was dropped comes back by itself. */
export async function answered<T>(ask: () => Promise<Known<T>>): Promise<T> {
  const { value } = await until('an answer of the chain', async () => {
    const answer = await ask();
    return answer.known && answer;
  });
  return value;
}

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Call, Extrinsic } from '../../chain/chain.ts';
import { cryptoReady } from '../../chain/hotkey.ts';
import { openSubtensor } from '../../chain/subtensor.ts';
import { type Devchain, startDevchain } from '../../devchain/devchain.ts';
import { AppError } from '../../errors.ts';
import { wait } from '../../runtime/clock.ts';
import { connectNats } from '../../runtime/nats-link.ts';
import { findNatsServer, startNatsServer } from '../../runtime/nats-server.ts';
import {
  localServerConfig,
  type NatsAccount,
  natsCredential,
} from '../../runtime/nats-server-config.ts';
import { applyStream, streamConfig } from '../../runtime/streams.ts';
import type { Io } from '../command.ts';
import { reachChain } from '../reach-chain.ts';
import { sendCall } from '../submit-call.ts';
import {
  DISHONEST,
  devSeed,
  devSigner,
  genesisFor,
  NETUID,
  RUNNING,
  type Running,
  stakeOf,
} from './cast.ts';
import { type Execution, serviceAccounts, startExecution } from './execution.ts';
import { openTwoFacedAxon } from './two-faced-axon.ts';
import {
  type Env,
  environmentOf,
  type RunningProcess,
  startValidatorProcess,
  validatorEnvironment,
} from './validators.ts';

/** How often a validator is asked whether it saw a block: asking takes time from the validators, who share the machine. */
const ASK_MS = 50;

/** A validator that does not see a block for so long is taken for dead, and the block goes on without it. */
const BLOCK_TIMEOUT_MS = 15_000;

/** Roles of each account's credentials; a local subnet's passwords follow from names, like its keys. */
const ROLES = ['admin', 'writer', 'reader', 'operator'] as const;

/** The authorities on the local subnet's nats-server, one for each validator. */
export const accounts = RUNNING.map((name) => ({
  name,
  logs: ['validator'] as const,
  passwords: Object.fromEntries(ROLES.map((role) => [role, devSeed(`${name} ${role}`)])),
}));

const allAccounts: readonly NatsAccount[] = [...accounts, ...serviceAccounts];

/** Blocks until one is final, as on mainnet. */
export const FINALITY_LAG = 2;

/** The incentive follows the weights after two epochs; a third one is for a late reveal. */
const BLOCKS_TO_PAY = 40;

/**
 * A subnet on this machine: a nats-server with an account for each validator, a development chain, and
 * four validator processes, one of them behind an axon that lies. Disposing of it stops everything.
 */
export async function startLocalSubnet(dir: string, io: Io) {
  await using opened = new AsyncDisposableStack();
  await cryptoReady();
  await mkdir(dir, { recursive: true });
  const nats = await findNatsServer(io.env);
  io.note(`nats-server ${nats.version} from ${nats.origin}\n`);
  const server = opened.use(
    await startNatsServer({
      path: nats.path,
      dir: join(dir, 'nats'),
      config: localServerConfig({
        storeDir: join(dir, 'nats', 'store'),
        accounts: allAccounts,
      }),
      signal: io.signal,
    }),
  );
  const chain = opened.use(
    await startDevchain(genesisFor(stakeOf()), { blockMs: null, finalityLag: FINALITY_LAG }),
  );
  io.note(`development chain at ${chain.url}\n`);
  const at = { dir, natsUrl: server.url, chain };
  for (const account of allAccounts) await applyStreams(account, server.url);
  for (let block = 0; block <= FINALITY_LAG; block++) await chain.produceBlock();
  const execution = opened.use(await startExecution(at, io.signal));
  io.note('the owner, and three validators\u2019 ledgers, proxies and tools, are up\n');

  const validators = await startValidators({ ...at, settingsOf: execution.settingsOf }, opened);
  const liar = validators.find(({ name }) => name === DISHONEST);
  const axon =
    liar === undefined ? null : opened.use(await openTwoFacedAxon(liar.url, devSigner(DISHONEST)));

  const environments = await environmentsAt(at);
  const nextBlock = async (): Promise<void> => {
    await chain.produceBlock();
    await seenByAll(validators, chain.heads().finalized.number, io.signal);
  };
  const axons = validators.map(({ name, url }) => ({ name, url: axonOf(name, url, axon) }));
  await Promise.all(
    axons.map(({ name, url }) => sendAs(chain, name, { kind: 'axon', url }, io.signal)),
  );
  for (let block = 0; block <= FINALITY_LAG; block++) await nextBlock();

  const running = opened.move();
  return {
    ...execution,
    ...handles({ chain, validators, environments, nextBlock }, io),
    natsUrl: server.url,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** What whoever plays a subnet holds it by. */
function handles(
  {
    chain,
    validators,
    environments,
    nextBlock,
  }: Readonly<{
    chain: Devchain;
    validators: readonly RunningProcess[];
    environments: Awaited<ReturnType<typeof environmentsAt>>;
    nextBlock: () => Promise<void>;
  }>,
  { signal }: Io,
) {
  return {
    chain,
    validators,
    environment: (name: Running, role: 'operator' | 'reader'): Env =>
      environments.get(name)?.[role] ?? {},
    /** The newest finalised block. */
    block: (): number => chain.heads().finalized.number,
    /** Produces a block and waits until every validator has done what it could at the newest final one. */
    nextBlock,
    /** Goes on until the chain's own consensus pays this uid everything. Throws `subnet.failed` when it does not. */
    untilPaid: async (uid: number): Promise<void> => {
      for (let block = 0; block < BLOCKS_TO_PAY; block++) {
        if (chain.stateAt('finalized').neurons[uid]?.incentive === FULL) return;
        await nextBlock();
      }
      throw new AppError('subnet.failed', {
        found: `the chain does not pay uid ${uid} after ${BLOCKS_TO_PAY} blocks`,
      });
    },
    /** Has a validator's key ask something of the chain, past its process. */
    send: (name: Running, call: Call) => sendAs(chain, name, call, signal),
  };
}

/** The whole of a u16. */
const FULL = 65_535;

type Place = Parameters<typeof validatorEnvironment>[1];

/** Starts every validator. Those that did start are ended with the rest, also when another one did not. */
async function startValidators(
  at: Place & Pick<Execution, 'settingsOf'>,
  opened: AsyncDisposableStack,
): Promise<readonly RunningProcess[]> {
  const starts = await Promise.allSettled(
    accounts.map(async (account) =>
      startValidatorProcess(
        account.name,
        { ...(await validatorEnvironment(account, at)), ...at.settingsOf(account.name) },
        at.dir,
      ),
    ),
  );
  const validators = starts.flatMap((start) =>
    start.status === 'fulfilled' ? [opened.use(start.value)] : [],
  );
  for (const start of starts) if (start.status === 'rejected') throw start.reason;
  return validators;
}

/** The settings of each validator's operator and of whoever reads its log. */
async function environmentsAt(
  at: Place,
): Promise<ReadonlyMap<Running, Record<'operator' | 'reader', Env>>> {
  const environments = accounts.map(
    async (account) =>
      [
        account.name,
        {
          operator: await environmentOf(account, 'operator', at),
          reader: await environmentOf(account, 'reader', at),
        },
      ] as const,
  );
  return new Map(await Promise.all(environments));
}

/** Where peers find a validator: in front of the dishonest one stands an axon that lies. */
function axonOf(name: Running, url: string, liar: { url: string } | null): string {
  return name === DISHONEST && liar !== null ? liar.url : url;
}

/** Signs and sends a call over a connection of its own; gives the extrinsic, which the next block includes. */
async function sendAs(
  chain: Devchain,
  name: Running,
  call: Call,
  signal: AbortSignal,
): Promise<Extrinsic> {
  await using link = openSubtensor({
    endpoints: [chain.url],
    genesis: chain.genesisHash,
    netuid: NETUID,
    signer: devSigner(name),
    versionKey: 0n,
  });
  await reachChain(link, { endpoints: 1, signal });
  return await sendCall(link, call);
}

export type LocalSubnet = Awaited<ReturnType<typeof startLocalSubnet>>;

async function applyStreams(account: NatsAccount, url: string): Promise<void> {
  const nc = await connectNats({
    url,
    ...natsCredential(account, 'admin'),
    name: `local subnet, ${account.name}`,
  });
  try {
    for (const log of account.logs) await applyStream(nc, streamConfig(log));
  } finally {
    await nc.close();
  }
}

/** A validator has settled a block when its status names it and its loop has made a whole round for it. */
async function seenByAll(
  validators: readonly RunningProcess[],
  block: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(BLOCK_TIMEOUT_MS)]);
  await Promise.all(
    validators.map(async ({ url }) => {
      while (!deadline.aborted && (await settledBlock(url)) < block) await wait(ASK_MS, deadline);
    }),
  );
  signal.throwIfAborted();
}

async function settledBlock(url: string): Promise<number> {
  try {
    const status = (await (await fetch(`${url}/v1/status`)).json()) as {
      settledBlock: number | null;
    }; // safe: our own program answers
    return status.settledBlock ?? 0;
  } catch {
    return 0; // it is down; the deadline decides
  }
}

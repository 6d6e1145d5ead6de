import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cryptoReady } from '../../chain/hotkey.ts';
import { wait } from '../../runtime/clock.ts';
import { connectNats } from '../../runtime/nats-link.ts';
import { findNatsServer, startNatsServer } from '../../runtime/nats-server.ts';
import { localServerConfig, natsCredential } from '../../runtime/nats-server-config.ts';
import { applyStream, streamConfig } from '../../runtime/streams.ts';
import type { Io } from '../command.ts';
import { DISHONEST, devSeed, devSigner, RUNNING, type Running } from './cast.ts';
import { createChainKeeper } from './chain-keeper.ts';
import { openTwoFacedAxon } from './two-faced-axon.ts';
import {
  type Env,
  environmentOf,
  type RunningProcess,
  startValidatorProcess,
  validatorEnvironment,
} from './validators.ts';

/** How often blocks come when nobody waits for anything, and how often a validator is asked whether it saw one. */
const ASK_MS = 20;

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

/**
 * A subnet on this machine: a nats-server with an account for each validator, a chain file, and four
 * validator processes, one of them behind an axon that lies. Disposing of it stops everything.
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
      config: localServerConfig({ storeDir: join(dir, 'nats', 'store'), accounts }),
      signal: io.signal,
    }),
  );
  const at = { dir, natsUrl: server.url, chainFile: join(dir, 'chain.json') };
  for (const account of accounts) await applyValidatorStream(account, server.url);

  const chain = createChainKeeper(at.chainFile);
  await chain.write();
  const starts = await Promise.allSettled(
    accounts.map(async (account) =>
      startValidatorProcess(account.name, await validatorEnvironment(account, at), dir),
    ),
  );
  // Those that did start are ended with the rest, also when another one did not.
  const validators = starts.flatMap((start) =>
    start.status === 'fulfilled' ? [opened.use(start.value)] : [],
  );
  for (const start of starts) if (start.status === 'rejected') throw start.reason;
  const liar = validators.find(({ name }) => name === DISHONEST);
  const axon =
    liar === undefined ? null : opened.use(await openTwoFacedAxon(liar.url, devSigner(DISHONEST)));
  const axons = new Map<string, string>(validators.map(({ name, url }) => [name, url]));
  if (axon !== null) axons.set(DISHONEST, axon.url);
  await chain.announce(axons);

  const environments = new Map<Running, Record<'operator' | 'reader', Env>>();
  for (const account of accounts) {
    environments.set(account.name, {
      operator: await environmentOf(account, 'operator', at),
      reader: await environmentOf(account, 'reader', at),
    });
  }
  const running = opened.move();
  return {
    natsUrl: server.url,
    chain,
    validators,
    environment: (name: Running, role: 'operator' | 'reader'): Env =>
      environments.get(name)?.[role] ?? {},
    /** Produces a block and waits until every validator has done what it could at it. */
    nextBlock: async (): Promise<void> => {
      await chain.nextBlock();
      await seenByAll(validators, chain.block(), io.signal);
    },
    payMiners: async (): Promise<void> => {
      await chain.payMiners();
      await seenByAll(validators, chain.block(), io.signal);
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

export type LocalSubnet = Awaited<ReturnType<typeof startLocalSubnet>>;

async function applyValidatorStream(
  account: (typeof accounts)[number],
  url: string,
): Promise<void> {
  const nc = await connectNats({
    url,
    ...natsCredential(account, 'admin'),
    name: `local subnet, ${account.name}`,
  });
  try {
    await applyStream(nc, streamConfig('validator'));
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

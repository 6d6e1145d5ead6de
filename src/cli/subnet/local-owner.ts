import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '../../config.ts';
import { signRequest } from '../../consensus/signed-request.ts';
import { AppError } from '../../errors.ts';
import { RosterDocument } from '../../evaluation/roster.ts';
import { decode } from '../../events/ej1.ts';
import { sha256 } from '../../events/hash.ts';
import type { Phases } from '../../events/run.ts';
import { requestCommand } from '../../runtime/commands.ts';
import { createLogger } from '../../runtime/logger.ts';
import { connectNats } from '../../runtime/nats-link.ts';
import { type NatsAccount, natsCredential } from '../../runtime/nats-server-config.ts';
import { startOwner } from '../owner/start-owner.ts';
import { devSeed, devSigner, FAMILY, hotkeyOf, NETUID } from './cast.ts';
import { get } from './get.ts';
import { type SubmissionKind, submissionArchive, taskSetBytes } from './submissions.ts';
import { type ChainAddress, environmentOf } from './validators.ts';

const ROLES = ['admin', 'writer', 'operator', 'reader'] as const;

/** The account of the subnet owner's log. */
export const ownerAccount: NatsAccount = {
  name: 'owner',
  logs: ['owner'],
  passwords: Object.fromEntries(ROLES.map((role) => [role, devSeed(`owner ${role}`)])),
};

/** The owner of the local subnet: what it can be asked to do. */
export type LocalOwner = Readonly<{
  url: string;
  /** Takes a submission of this kind from a miner, as the miner itself would send it. */
  submit: (miner: string, kind: SubmissionKind) => Promise<void>;
  /** Signs and publishes the roster of the next run. */
  openRun: (phases: Phases) => Promise<RosterDocument>;
}> &
  AsyncDisposable;

/** Starts the owner's service with its tasks published. */
export async function startLocalOwner(
  at: Readonly<{ dir: string; natsUrl: string; chain: ChainAddress }>,
  signal: AbortSignal,
): Promise<LocalOwner> {
  await using opened = new AsyncDisposableStack();
  const env = await environmentOf(ownerAccount, 'writer', at);
  const seed = join(at.dir, ownerAccount.name, 'secrets', 'hotkey.seed');
  await writeFile(seed, devSeed('owner'), { mode: 0o600 });
  const config = loadConfig({
    ...env,
    EIREL_HOTKEY_SEED_FILE: seed,
    EIREL_OWNER_HOTKEY: hotkeyOf('owner'),
    EIREL_NETUID: String(NETUID),
    EIREL_CHAIN_ENDPOINTS: at.chain.url,
    EIREL_CHAIN_GENESIS: at.chain.genesisHash,
    // Blocks come faster here than those by which a run's length is reckoned, and its miners answer at once.
    EIREL_INSTANT_BUDGET_SECONDS: '1',
    EIREL_THINKING_BUDGET_SECONDS: '1',
    EIREL_HTTP_PORT: '0',
    EIREL_POLL_MS: '50',
  });
  const owner = opened.use(
    await startOwner(config, { logger: createLogger('silent', 'owner'), signal }),
  );
  const credential = natsCredential(ownerAccount, 'operator');
  const operator = opened.adopt(
    await connectNats({ url: at.natsUrl, ...credential, name: 'operator of the owner' }),
    (nc) => nc.close(),
  );
  const command = (name: string, payload: object): Promise<unknown> =>
    requestCommand(operator, name, JSON.stringify(payload), 'owner');
  const tasks = await taskSetBytes();
  await command('task-sets.publish', {
    sha256: sha256(tasks),
    bytes: tasks.length,
    offset: 0,
    base64: tasks.toString('base64'),
  });
  const running = opened.move();
  return {
    url: owner.url,
    submit: async (miner, kind) => submit(owner.url, miner, await submissionArchive(kind)),
    openRun: async (phases) => {
      await command('runs.open', { family: FAMILY, phases });
      return currentRoster(owner.url);
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function submit(owner: string, miner: string, archive: Buffer): Promise<void> {
  const url = new URL('/v1/submissions', owner);
  const at = { timestamp: new Date().toISOString(), requestId: randomUUID() };
  const answer = await fetch(url, {
    method: 'POST',
    body: new Uint8Array(archive),
    headers: {
      'content-type': 'application/gzip',
      ...signRequest(devSigner(miner), { method: 'POST', url, body: archive }, at),
    },
  });
  if (!answer.ok)
    throw new AppError('subnet.failed', {
      miner,
      found: `${answer.status} ${await answer.text()}`,
    });
}

async function currentRoster(owner: string): Promise<RosterDocument> {
  const current = (await (await get(`${owner}/v1/runs/current`)).json()) as { run_id: string }; // safe: our own service answers
  const answer = await get(`${owner}/v1/runs/${current.run_id}/roster?family_id=${FAMILY}`);
  return RosterDocument.parse(decode(await answer.text()));
}

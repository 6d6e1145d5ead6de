import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startOwner } from '#src/cli/owner/start-owner.ts';
import { loadConfig } from '#src/config.ts';
import { signRequest } from '#src/consensus/signed-request.ts';
import { startDevchain } from '#src/devchain/devchain.ts';
import { sha256 } from '#src/events/hash.ts';
import { requestCommand } from '#src/runtime/commands.ts';
import { createLogger } from '#src/runtime/logger.ts';
import { connectNats } from '#src/runtime/nats-link.ts';
import { natsCredential } from '#src/runtime/nats-server-config.ts';
import { applyStream, streamConfig } from '#src/runtime/streams.ts';
import { type Ask, ask, type Reply } from '../http/client.ts';
import { devSeed, devSigner } from './dev-keys.ts';
import { devGenesis } from './dev-subnet.ts';
import { minerArchive } from './miner-archive.ts';
import { testAccount, testNatsServer } from './nats-server.ts';
import { taskSetOf } from './owner-task-set.ts';
import { scratchDirectory } from './scratch-directory.ts';

export type LiveOwner = Awaited<ReturnType<typeof liveOwner>>;

/**
 * The owner's service as it runs in production, on loopback: with a nats-server of its own, and a development chain whose
 * blocks come on demand and are final at once. Validators are a to d, miners x, y and z.
 */
export async function liveOwner(settings: Readonly<Record<string, string>> = {}) {
  await using opened = new AsyncDisposableStack();
  const account = testAccount('owner', ['owner']);
  const nats = opened.use(await testNatsServer({ accounts: [account] }));
  const admin = await nats.connectAs('admin');
  await applyStream(admin, streamConfig('owner'));
  await admin.close();
  const chainOptions = { blockMs: null, finalityLag: 0, keepStates: 1_000 };
  const chain = opened.use(await startDevchain(devGenesis(), chainOptions));
  await chain.produceBlock(5);
  const { path } = opened.use(await scratchDirectory());
  const password = join(path, 'password');
  await writeFile(password, natsCredential(account, 'writer').pass);
  await writeFile(join(path, 'seed'), devSeed('owner'), { mode: 0o600 });
  const env = {
    EIREL_NATS_URL: nats.url,
    EIREL_NATS_USER: natsCredential(account, 'writer').user,
    EIREL_NATS_PASSWORD_FILE: password,
    EIREL_DATA_DIR: path,
    EIREL_HOTKEY_SEED_FILE: join(path, 'seed'),
    EIREL_CHAIN_ENDPOINTS: chain.url,
    EIREL_CHAIN_GENESIS: chain.genesisHash,
    EIREL_INSTANT_BUDGET_SECONDS: '1',
    EIREL_HTTP_PORT: '0',
    EIREL_POLL_MS: '20',
    ...settings,
  };
  const start = () =>
    startOwner(loadConfig(env), {
      logger: createLogger('silent', 'owner'),
      signal: new AbortController().signal,
    });
  let service = await start();
  opened.defer(() => service[Symbol.asyncDispose]());
  const operatorPassword = join(path, 'operator-password');
  await writeFile(operatorPassword, natsCredential(account, 'operator').pass);
  const operator = opened.adopt(
    await connectNats({ url: nats.url, ...natsCredential(account, 'operator'), name: 'operator' }),
    (nc) => nc.close(),
  );
  const parts = opened.move();
  let requests = 0;
  const signed = (name: string, path: string, options: Ask = {}): Ask => {
    const { method = 'GET', body = '', headers = {} } = options;
    const request = {
      method,
      url: new URL(path, 'http://localhost'),
      body: Buffer.from(body),
    };
    requests += 1;
    const at = { timestamp: new Date().toISOString(), requestId: `request-${requests}` };
    return { ...options, headers: { ...signRequest(devSigner(name), request, at), ...headers } };
  };
  return {
    chain,
    /** The settings of an operator's commands. */
    operatorEnv: {
      EIREL_NATS_URL: nats.url,
      EIREL_NATS_USER: natsCredential(account, 'operator').user,
      EIREL_NATS_PASSWORD_FILE: operatorPassword,
    },
    url: (): string => service.url,
    block: (): number => chain.heads().finalized.number,
    ask: (path: string, options?: Ask): Promise<Reply> => ask(service.url, path, options),
    signed,
    /** As `ask`, signed by the named key. */
    askAs: (name: string, path: string, options?: Ask): Promise<Reply> =>
      ask(service.url, path, signed(name, path, options)),
    command: (name: string, payload: object): Promise<unknown> =>
      requestCommand(operator, name, JSON.stringify(payload), 'owner'),
    /** Another process on the same log and the same documents. */
    restart: async (): Promise<void> => {
      await service[Symbol.asyncDispose]();
      service = await start();
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** An archive that a miner of this name submits: the same bytes each time, although tar writes the time into them. */
export async function archiveOf(name: string): Promise<Buffer> {
  const manifest = `schema_version: 1\nagent:\n  name: ${name}\nfamily_id: general_chat\n`;
  const files = { 'submission.yaml': manifest, 'app.py': `# ${name}\n` };
  const made = archives.get(name) ?? Buffer.from((await minerArchive(files)).bytes);
  archives.set(name, made);
  return made;
}

const archives = new Map<string, Buffer>();

/** Publishes a task set; gives its digest. */
export async function publish(owner: LiveOwner, names: readonly string[]): Promise<string> {
  const bytes = Buffer.from(JSON.stringify(taskSetOf(names)));
  const part = { bytes: bytes.length, offset: 0, base64: bytes.toString('base64') };
  await owner.command('task-sets.publish', { sha256: sha256(bytes), ...part });
  return sha256(bytes);
}

/** Submits the archive of each named miner. */
export async function submitAll(owner: LiveOwner, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const reply = await owner.askAs(name, '/v1/submissions', {
      method: 'POST',
      body: await archiveOf(name),
      headers: { 'content-type': 'application/gzip' },
    });
    if (reply.status !== 200) throw new Error(`${name}: ${reply.status} ${reply.text}`);
  }
}

/** Opens a run whose phases begin so many blocks ahead; gives what the owner says of it. */
export async function openRun(owner: LiveOwner, more: object = {}): Promise<RunOpened> {
  const at = owner.block();
  const phases = { snapshot: at + 10, commit: at + 30, decide: at + 40, certify: at + 50 };
  // safe: what the command gives is told by its type
  return (await owner.command('runs.open', {
    family: 'general_chat',
    phases,
    ...more,
  })) as RunOpened;
}

type RunOpened = Readonly<{ opened: boolean; run: string; roster: string; members: number }>;

/** Blocks until this one is final. */
export async function playTo(owner: LiveOwner, block: number): Promise<void> {
  await owner.chain.produceBlock(Math.max(0, block - owner.block()));
}

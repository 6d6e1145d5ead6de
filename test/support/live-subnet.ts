import { FAMILY, type Running, stakeOf } from '#src/cli/subnet/cast.ts';
import {
  type Env,
  environmentOf,
  type RunningProcess,
  startValidatorProcess,
  validatorEnvironment,
} from '#src/cli/subnet/validators.ts';
import type { Genesis } from '#src/devchain/genesis.ts';
import type { Status } from '#src/http/documents.ts';
import type { NatsRole } from '#src/runtime/nats-server-config.ts';
import { applyStream, streamConfig } from '#src/runtime/streams.ts';
import { liveChain, type Neurons, stakedNeurons } from './live-chain.ts';
import { until } from './live-until.ts';
import { testAccount, testNatsServer } from './nats-server.ts';
import { scratchDirectory } from './scratch-directory.ts';

/** A command is answered at once, unless its validator was killed meanwhile; asking twice changes nothing. */
const COMMAND_TIMEOUT_MS = 2_000;

export type LiveOptions = Readonly<{
  validators: readonly Running[];
  neurons?: Neurons;
  /** The chain's rules and beacon; by default nothing happens on it that a test does not say. */
  genesis?: Genesis;
  /** Settings of every validator process, and of some. */
  env?: Env;
  envOf?: Partial<Readonly<Record<Running, Env>>>;
}>;

/**
 * A nats-server, a development chain and validator processes, all real, which a test can kill, stop, restart
 * and lie to one by one. Disposing of it ends every process and removes the files.
 */
export async function liveSubnet({
  validators,
  neurons = unpaid,
  genesis,
  env = {},
  envOf = {},
}: LiveOptions) {
  await using opened = new AsyncDisposableStack();
  const { path: dir } = opened.use(await scratchDirectory());
  const accounts = validators.map((name) => testAccount(name, ['validator']));
  const nats = opened.use(await testNatsServer({ accounts }));
  const chain = opened.use(await liveChain(genesis));
  const running = new Map<Running, RunningProcess>();
  const started: RunningProcess[] = [];
  // Killed, because a frozen one would not hear of anything else, and their files go as well.
  opened.defer(async () => void (await Promise.all(started.map(({ kill }) => kill()))));
  const accountOf = (name: Running) => testAccount(name, ['validator']);
  const at = { dir, natsUrl: nats.url, chain };
  /** What the validator's process is started with; a restarted one keeps its port. */
  const environment = async (name: Running, changes: Env = {}): Promise<Env> => {
    const url = running.get(name)?.url;
    const port = url === undefined ? 0 : Number(new URL(url).port);
    const base = await validatorEnvironment(accountOf(name), { ...at, port });
    return { ...base, EIREL_POLL_MS: '20', ...env, ...envOf[name], ...changes };
  };
  const start = async (name: Running, changes: Env = {}): Promise<RunningProcess> => {
    const validator = await startValidatorProcess(name, await environment(name, changes), dir);
    started.push(validator);
    running.set(name, validator);
    return validator;
  };
  const processOf = (name: Running): RunningProcess => {
    const found = running.get(name);
    if (found === undefined) throw new Error(`${name} was not started`);
    return found;
  };
  const axons = (): ReadonlyMap<string, string> =>
    new Map([...running].map(([name, { url }]) => [name, url]));

  for (const account of accounts) {
    const admin = await nats.connectAs('admin', account.name);
    await applyStream(admin, streamConfig('validator'));
    await admin.close();
  }
  await chain.become(neurons(new Map()));
  await Promise.all(validators.map((name) => start(name)));
  await chain.become(neurons(axons()));

  const kept = opened.move();
  return {
    dir,
    nats,
    chain,
    names: validators,
    environment,
    start,
    processOf,
    axons,
    /** The environment of a command line that acts in a role of the validator's account. */
    cliEnvironment: (name: Running, role: NatsRole) => environmentOf(accountOf(name), role, at),
    get: (name: Running, path: string) => fetch(`${processOf(name).url}${path}`),
    /** Sends a command until it is answered; throws what it was refused for. */
    command: (name: Running, command: string, payload: string) =>
      until(`${name} answers ${command}`, async () => {
        const nc = await nats.connectAs('operator', name);
        const asked = nc.request(`cmd.validator.${command}`, payload, {
          timeout: COMMAND_TIMEOUT_MS,
        });
        const message = await asked.catch(() => undefined);
        await nc.close();
        const reply = message?.json<{ ok: boolean; value: unknown; message: string }>();
        if (reply?.ok === false) throw new Error(`${name} refused ${command}: ${reply.message}`);
        return reply;
      }),
    /** Waits until these validators have done what they could at the newest block. */
    settled: async (names: readonly Running[] = validators) => {
      const block = chain.block();
      await Promise.all(
        names.map((name) =>
          until(`${name} settles block ${block}`, async () => {
            const status = await statusOf(processOf(name).url);
            return (status?.settledBlock ?? 0) >= block;
          }),
        ),
      );
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

export type LiveSubnet = Awaited<ReturnType<typeof liveSubnet>>;

/** Decision and inputs of a run as a validator serves them, the exact bytes; undefined before they are made. */
export async function decisionOf(
  subnet: LiveSubnet,
  name: Running,
  run: string,
): Promise<string | undefined> {
  const answer = await subnet.get(name, `/v1/consensus/decisions/${run}?family=${FAMILY}`);
  if (!answer.ok) return undefined;
  // What follows are the signed decisions: everybody serves its own first.
  return (await answer.text()).split(',"statements":')[0];
}

/** Null while the process is down. */
export async function statusOf(url: string): Promise<Status | null> {
  try {
    return (await (await fetch(`${url}/v1/status`)).json()) as Status; // safe: our own program answers
  } catch {
    return null;
  }
}

/** The local subnet's neurons, before anybody was paid. */
function unpaid(axons: ReadonlyMap<string, string>) {
  return stakedNeurons(stakeOf(), axons).map((neuron) => ({ ...neuron, incentive: 0 }));
}

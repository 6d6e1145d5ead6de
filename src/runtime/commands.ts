import { errors, type Msg, type NatsConnection } from 'nats';
import { z } from 'zod';
import { AppError, ERROR_CODES } from '../errors.ts';
import type { LogName } from '../events/subjects.ts';

/** Commands of an operator to the process that writes a log; only NATS users with this permission reach them. */
function subjectOf(log: LogName, command: string): string {
  return `cmd.${log}.${command}`;
}

const PRESENCE = 'presence';

/** An import of 200 lines with its durable append takes well under a second; a busy disk may take many. */
const COMMAND_TIMEOUT_MS = 60_000;

/** How long a second process listens for a first one. Servers on one machine answer within a millisecond. */
const PRESENCE_WAIT_MS = 500;

export type CommandHandlers = Readonly<Record<string, (payload: string) => Promise<unknown>>>;

const Reply = z.union([
  z.strictObject({ ok: z.literal(true), value: z.unknown() }),
  z.strictObject({
    ok: z.literal(false),
    /** Null for what is no `AppError`: a fault of the process's own. */
    code: z.string().nullable(),
    details: z.record(z.string(), z.unknown()),
    message: z.string(),
  }),
]);

/**
 * Answers commands in the order in which they came. Each is handed over at once: what may not run
 * beside another is the handlers' own business.
 */
export function serveCommands(
  nc: NatsConnection,
  handlers: CommandHandlers,
  log: LogName = 'validator',
): void {
  let last: Promise<void> = Promise.resolve();
  for (const [name, handle] of Object.entries(handlers)) {
    nc.subscribe(subjectOf(log, name), {
      callback: (error, message) => {
        if (error !== null) return;
        const reply = perform(message.string(), handle);
        last = last.then(async () => {
          const text = JSON.stringify(await reply, withBigints);
          // On a closed connection nobody waits any more.
          if (!nc.isClosed()) message.respond(text);
        });
      },
    });
  }
}

/** Never rejects: the operator who asked gets the reason; a fault of the log also stops the process by its own way. */
async function perform(
  payload: string,
  handle: (payload: string) => Promise<unknown>,
): Promise<z.infer<typeof Reply>> {
  try {
    return { ok: true, value: await handle(payload) };
  } catch (error) {
    return { ok: false, ...describe(error) };
  }
}

function describe(error: unknown) {
  if (error instanceof AppError)
    return { code: error.code, details: { ...error.details }, message: error.message };
  return {
    code: null,
    details: {},
    message: error instanceof Error ? error.message : String(error),
  };
}

function withBigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/**
 * Sends a command to the process that writes a log. Throws what that process threw, with the same code and
 * details; `command.refused` for anything without a code of this build; `log.unavailable` when it does not run.
 */
export async function requestCommand(
  nc: NatsConnection,
  name: string,
  payload: string,
  log: LogName = 'validator',
): Promise<unknown> {
  let message: Msg;
  try {
    message = await nc.request(subjectOf(log, name), payload, { timeout: COMMAND_TIMEOUT_MS });
  } catch (cause) {
    throw new AppError(
      'log.unavailable',
      {
        command: name,
        found: `no ${log} answers`,
        next: `start it with \`eirel ${log}\`, or look at its log`,
      },
      { cause },
    );
  }
  const reply = Reply.parse(message.json());
  if (reply.ok) return reply.value;
  const code = ERROR_CODES.find((known) => known === reply.code);
  if (code !== undefined) throw new AppError(code, reply.details);
  throw new AppError('command.refused', { command: name, reason: reply.message });
}

/**
 * Makes sure that no other process with this identity is alive, then answers for this one. Two that
 * start at once both see each other, and the one with the greater id stops. Throws `log.conflict`. A
 * process that is alive but does not answer is stopped by the log's fence at its next append.
 */
export async function claimPresence(
  nc: NatsConnection,
  id: string,
  log: LogName = 'validator',
): Promise<void> {
  const presence = subjectOf(log, PRESENCE);
  await refuseBeside(nc, presence, () => true);
  nc.subscribe(presence, {
    callback: (error, message) => {
      if (error === null) message.respond(id);
    },
  });
  await refuseBeside(nc, presence, (other) => other < id);
}

async function refuseBeside(
  nc: NatsConnection,
  presence: string,
  yields: (other: string) => boolean,
): Promise<void> {
  for (const other of await askPresence(nc, presence)) {
    if (yields(other)) {
      throw new AppError('log.conflict', {
        found: `the process ${other} writes this log`,
        next: 'stop it before this one starts; nothing was appended',
      });
    }
  }
}

async function askPresence(nc: NatsConnection, presence: string): Promise<readonly string[]> {
  const others: string[] = [];
  try {
    const answers = await nc.requestMany(presence, '', {
      strategy: 'timer',
      maxWait: PRESENCE_WAIT_MS,
    });
    for await (const message of answers) others.push(message.string());
  } catch (error) {
    // The server's own word that nobody is subscribed.
    if (!(error instanceof errors.NoRespondersError)) throw error;
  }
  return others;
}

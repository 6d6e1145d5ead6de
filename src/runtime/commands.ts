import { errors, type Msg, type NatsConnection } from 'nats';
import { z } from 'zod';
import { AppError } from '../errors.ts';

/** Commands of one validator's operator; only NATS users with this permission reach them. */
const PREFIX = 'cmd.validator';
const PRESENCE = `${PREFIX}.presence`;

/** An import of 200 lines with its durable append takes well under a second; a busy disk may take many. */
const COMMAND_TIMEOUT_MS = 60_000;

/** How long a second process listens for a first one. Servers on one machine answer within a millisecond. */
const PRESENCE_WAIT_MS = 500;

export type CommandHandlers = Readonly<Record<string, (payload: string) => Promise<unknown>>>;

const Reply = z.union([
  z.strictObject({ ok: z.literal(true), value: z.unknown() }),
  z.strictObject({ ok: z.literal(false), message: z.string() }),
]);

/** Answers commands, one at a time, in the order in which they came: they all write the same log. */
export function serveCommands(nc: NatsConnection, handlers: CommandHandlers): void {
  let last: Promise<void> = Promise.resolve();
  for (const [name, handle] of Object.entries(handlers)) {
    nc.subscribe(`${PREFIX}.${name}`, {
      callback: (error, message) => {
        if (error === null) last = last.then(() => answer(message, handle));
      },
    });
  }
}

async function answer(message: Msg, handle: (payload: string) => Promise<unknown>): Promise<void> {
  let reply: z.infer<typeof Reply>;
  try {
    reply = { ok: true, value: await handle(message.string()) };
  } catch (error) {
    // The operator who asked gets the reason; a fault of the log also stops the process by its own way.
    reply = { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
  message.respond(JSON.stringify(reply));
}

/** Sends a command to the running validator. Throws `command.refused` with its reason, `log.unavailable` when none runs. */
export async function requestCommand(
  nc: NatsConnection,
  name: string,
  payload: string,
): Promise<unknown> {
  let message: Msg;
  try {
    message = await nc.request(`${PREFIX}.${name}`, payload, { timeout: COMMAND_TIMEOUT_MS });
  } catch (cause) {
    throw new AppError(
      'log.unavailable',
      {
        command: name,
        found: 'no validator answers',
        next: 'start it with `eirel validator`, or look at its log',
      },
      { cause },
    );
  }
  const reply = Reply.parse(message.json());
  if (!reply.ok) throw new AppError('command.refused', { command: name, reason: reply.message });
  return reply.value;
}

/**
 * Makes sure that no other process with this identity is alive, then answers for this one. Two that
 * start at once both see each other, and the one with the greater id stops. Throws `log.conflict`. A
 * process that is alive but does not answer is stopped by the log's fence at its next append.
 */
export async function claimPresence(nc: NatsConnection, id: string): Promise<void> {
  await refuseBeside(nc, () => true);
  nc.subscribe(PRESENCE, {
    callback: (error, message) => {
      if (error === null) message.respond(id);
    },
  });
  await refuseBeside(nc, (other) => other < id);
}

async function refuseBeside(nc: NatsConnection, yields: (other: string) => boolean): Promise<void> {
  for (const other of await askPresence(nc)) {
    if (yields(other)) {
      throw new AppError('log.conflict', {
        found: `the process ${other} writes this log`,
        next: 'stop it before this one starts; nothing was appended',
      });
    }
  }
}

async function askPresence(nc: NatsConnection): Promise<readonly string[]> {
  const others: string[] = [];
  try {
    const answers = await nc.requestMany(PRESENCE, '', {
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

import { headers, type Msg, type MsgHdrs, nuid } from 'nats';
import { z } from 'zod';
import type { LogName } from '../events/subjects.ts';
import { JetStreamCode, parseAnswer, refused } from './jetstream-api.ts';
import type { Message, Published } from './log-store.ts';
import type { NatsLink } from './nats-link.ts';

/** The slowest disks sync a batch of 1,000 in about a second; a server this late is stuck. */
const PUBLISH_TIMEOUT_MS = 10_000;

const Acknowledgement = z.object({ stream: z.string(), seq: z.int(), count: z.int().optional() });

/**
 * Publishes messages behind the first `expectedSize` of a stream: one as itself, several as one atomic
 * batch (ADR-50). The fence, on the first message, is the expected last sequence of the whole stream.
 * The client's own batch publisher hides why a batch was refused, hence this one.
 */
export function publishMessages(
  link: NatsLink,
  stream: LogName,
  messages: readonly Message[],
  expectedSize: number,
): Promise<Published> {
  const about = `publishing ${messages.length} events behind ${expectedSize}`;
  return link.ask({
    about,
    timeoutMs: PUBLISH_TIMEOUT_MS,
    ask: (reply) => send(link, stream, messages, expectedSize, reply),
    take: (answer) => takeAcknowledgement(answer, about, expectedSize + messages.length),
  });
}

function send(
  { nc }: NatsLink,
  stream: LogName,
  messages: readonly Message[],
  expectedSize: number,
  reply: string,
): void {
  const fence = headers();
  fence.set('Nats-Expected-Last-Sequence', String(expectedSize));
  fence.set('Nats-Expected-Stream', stream);
  const [first] = messages;
  if (messages.length === 1 && first !== undefined) {
    nc.publish(first.subject, first.payload, { headers: fence, reply });
    return;
  }
  const plain = headers();
  const batch = nuid.next();
  const last = messages.length - 1;
  for (const [index, { subject, payload }] of messages.entries()) {
    const outer = index === 0 || index === last;
    const own: MsgHdrs = index === 0 ? fence : plain;
    own.set('Nats-Batch-Id', batch);
    own.set('Nats-Batch-Sequence', String(index + 1));
    if (index === last) own.set('Nats-Batch-Commit', '1');
    nc.publish(subject, payload, outer ? { headers: own, reply } : { headers: own });
  }
}

/** The first message of a batch is answered with nothing, unless it was refused; the last with the outcome. */
function takeAcknowledgement(answer: Msg, about: string, size: number): Published | undefined {
  if (answer.data.length === 0 && answer.headers === undefined) return undefined;
  const parsed = parseAnswer(answer, Acknowledgement, about);
  if ('error' in parsed) {
    const { err_code, description } = parsed.error;
    if (CONFLICTS.has(err_code)) return { kind: 'conflict', found: description };
    throw refused(about, parsed.error);
  }
  const { stream, seq } = parsed.ok;
  if (seq === size) return { kind: 'stored' };
  throw refused(about, {
    code: 0,
    err_code: 0,
    description: `an acknowledgement for sequence ${seq} of ${stream}`,
  });
}

const CONFLICTS: ReadonlySet<number> = new Set([
  JetStreamCode.wrongLastSequence,
  JetStreamCode.wrongLastSequenceInBatch,
]);

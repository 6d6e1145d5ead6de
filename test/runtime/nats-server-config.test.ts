import { type NatsConnection, PermissionViolationError, RequestError } from 'nats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { claimPresence } from '#src/runtime/commands.ts';
import type { NatsRole } from '#src/runtime/nats-server-config.ts';
import { type TestNatsServer, testAccount, testNatsServer } from '../support/nats-server.ts';

const EVENT = 'validator.score.recorded.general_chat.run-7';

let server: TestNatsServer;
const connections: NatsConnection[] = [];

beforeAll(async () => {
  server = await testNatsServer({
    accounts: [testAccount('peer', ['validator', 'ledger']), testAccount('owner', ['owner'])],
  });
  const admin = await connectAs('admin');
  for (const name of ['validator', 'ledger']) {
    const stream = { name, subjects: [`${name}.>`], deny_delete: true, allow_direct: true };
    await ask(admin, `$JS.API.STREAM.CREATE.${name}`, stream);
    const durable = { durable_name: 'reader', ack_policy: 'explicit' };
    // One that the administrator made: not even that serves the others.
    const consumer = { stream_name: name, config: durable };
    await ask(admin, `$JS.API.CONSUMER.CREATE.${name}.reader`, consumer);
  }
  await ask(await connectAs('writer'), EVENT, { n: 0 });
});
afterAll(async () => {
  for (const connection of connections) await connection.close();
  await server[Symbol.asyncDispose]();
});

async function connectAs(role: NatsRole, account = 'peer'): Promise<NatsConnection> {
  const connection = await server.connectAs(role, account);
  connections.push(connection);
  return connection;
}

/** What came back for a request: the answer, or `refused` when the server did not let it through. */
async function ask(
  connection: NatsConnection,
  subject: string,
  body: object = {},
): Promise<unknown> {
  try {
    return (await connection.request(subject, JSON.stringify(body))).json();
  } catch (error) {
    if (error instanceof RequestError && error.cause instanceof PermissionViolationError) {
      return 'refused';
    }
    throw error;
  }
}

/** Whether the server lets this connection listen on a subject. */
async function maySubscribe(connection: NatsConnection, subject: string): Promise<boolean> {
  let allowed = true;
  connection.subscribe(subject, {
    callback: (error) => {
      if (error instanceof PermissionViolationError) allowed = false;
    },
  });
  await connection.flush(); // the server answers in order: its refusal comes before the pong
  return allowed;
}

test('the writer appends, reads and answers', async () => {
  const writer = await connectAs('writer');
  expect(await ask(writer, EVENT)).toMatchObject({ stream: 'validator' });
  expect(await ask(writer, '$JS.API.DIRECT.GET.validator', { seq: 1 })).toEqual({ n: 0 });
  expect(await maySubscribe(writer, 'cmd.validator.>')).toBe(true);
  expect(await maySubscribe(writer, 'cmd.>')).toBe(false);
  expect(await maySubscribe(writer, 'validator.>')).toBe(false);
});

const CHANGES = ['CREATE', 'UPDATE', 'PURGE', 'DELETE', 'MSG.DELETE', 'SNAPSHOT', 'RESTORE'];
const changes = CHANGES.map((verb) => `$JS.API.STREAM.${verb}.validator`);

test.for(changes)('no credential but the administrator may call %s', async (subject) => {
  for (const role of ['writer', 'reader', 'operator'] as const) {
    expect(await ask(await connectAs(role), subject), role).toBe('refused');
  }
});

test.for(['reader', 'operator'] as const)('the %s reads and appends nothing', async (role) => {
  const connection = await connectAs(role);
  expect(await ask(connection, EVENT)).toBe('refused');
  expect(await ask(connection, 'ledger.call.recorded.f.run-7')).toBe('refused');
  expect(await ask(connection, '$JS.API.DIRECT.GET.validator', { seq: 1 })).toEqual({ n: 0 });
  expect(await maySubscribe(connection, 'validator.score.>')).toBe(true);
});

const CONSUMER = ['INFO', 'MSG.NEXT', 'DELETE', 'PAUSE'];
const consumerCalls = [
  ...CONSUMER.map((verb) => `$JS.API.CONSUMER.${verb}.validator.reader`),
  '$JS.ACK.validator.reader.1.1.1.1.0',
  '$JS.API.INFO',
  `$JS.API.DIRECT.GET.validator.${EVENT}`,
];

test.for(consumerCalls)('logs are read by position alone: nobody may call %s', async (subject) => {
  for (const role of ['writer', 'reader', 'operator'] as const) {
    expect(await ask(await connectAs(role), subject), role).toBe('refused');
  }
});

test('nobody can let the server publish for them: only the administrator creates consumers', async () => {
  const config = { deliver_subject: 'ledger.call.recorded.f.run-7', name: 'forger' };
  const create = '$JS.API.CONSUMER.CREATE.validator.forger';
  for (const role of ['writer', 'reader', 'operator'] as const) {
    const answer = await ask(await connectAs(role), create, { stream_name: 'validator', config });
    expect(answer, role).toBe('refused');
  }
});

test("nobody reads or forges another credential's replies", async () => {
  for (const role of ['reader', 'operator'] as const) {
    const connection = await connectAs(role);
    expect(await maySubscribe(connection, '_INBOX_peer_writer.>'), role).toBe(false);
    expect(await ask(connection, '_INBOX_peer_writer.x'), role).toBe('refused');
  }
});

test('the writer answers commands to the operator, and only there', async () => {
  const writer = await connectAs('writer');
  writer.subscribe('cmd.validator.status', {
    callback: (_error, message) => {
      message.respond('"up"');
    },
  });
  await writer.flush();
  expect(await ask(await connectAs('operator'), 'cmd.validator.status')).toBe('up');
  expect(await ask(await connectAs('reader'), 'cmd.validator.status')).toBe('refused');
  expect(await ask(writer, 'cmd.validator.status')).toBe('refused');
  expect(await ask(await connectAs('operator'), 'cmd.other.status')).toBe('refused');
  expect(await ask(writer, 'owner.run.opened.f.run-7')).toBe('refused');
  expect(await ask(writer, '_INBOX_peer_reader.x')).toBe('refused');
});

test('a second writer finds the first one, and stops', async () => {
  await claimPresence(await connectAs('writer'), 'first');
  const second = claimPresence(await connectAs('writer'), 'second');
  await expect(second).rejects.toMatchObject({ code: 'log.conflict' });
});

test('an account does not see the log of another', async () => {
  const owner = await connectAs('admin', 'owner');
  const info = await ask(owner, '$JS.API.STREAM.INFO.validator');
  expect(info).toMatchObject({ error: { code: 404 } });
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { AppError } from '#src/errors.ts';
import { requestCommand, serveCommands } from '#src/runtime/commands.ts';
import { type TestNatsServer, testNatsServer } from '../support/nats-server.ts';

let server: TestNatsServer;
const cleanup = new AsyncDisposableStack();
beforeAll(async () => {
  server = cleanup.use(await testNatsServer());
});
afterAll(() => cleanup.disposeAsync());

/** A served command that is answered as `handle` says, and an operator who asks. */
async function served(handlers: Parameters<typeof serveCommands>[1]) {
  const [writer, operator] = [
    await server.connectAs('writer'),
    await server.connectAs('operator'),
  ] as const;
  serveCommands(writer, handlers);
  await writer.flush();
  const close = async (): Promise<void> => {
    await writer.close();
    await operator.close();
  };
  return {
    ask: (name: string) => requestCommand(operator, name, ''),
    [Symbol.asyncDispose]: close,
  };
}

test.for([
  new AppError('input.invalid', { field: 'run', value: 'x', expected: 'a run that was opened' }),
  new AppError('log.conflict', { found: 'another writer' }),
  new AppError('log.full', { bytes: 2n ** 64n }),
])('the operator gets what the validator threw: $code', async (thrown) => {
  await using commands = await served({ 'runs.open': () => Promise.reject(thrown) });
  const error: unknown = await commands.ask('runs.open').catch((error: unknown) => error);
  expect(error).toBeInstanceOf(AppError);
  expect(error).toMatchObject({ code: thrown.code, message: thrown.message.replaceAll('"', '') });
});

test("a fault without a code is the validator's refusal, with its reason", async () => {
  await using commands = await served({ 'runs.open': () => Promise.reject(new Error('no disk')) });
  await expect(commands.ask('runs.open')).rejects.toMatchObject({
    code: 'command.refused',
    details: { command: 'runs.open', reason: 'no disk' },
  });
});

test('answers come in the order of their commands, however long each takes', async () => {
  const first = Promise.withResolvers<string>();
  const started: string[] = [];
  const told = (name: string, result: Promise<string>) => (): Promise<string> => {
    started.push(name);
    if (name === 'second') first.resolve('done');
    return result;
  };
  await using commands = await served({
    'runs.open': told('first', first.promise),
    'runs.close': told('second', Promise.resolve('done')),
  });
  const answered: string[] = [];
  const note = (name: string) => (): void => {
    answered.push(name);
  };
  // The second is ready before the first, which waits for it to start: no command holds up another.
  await Promise.all([
    commands.ask('runs.open').then(note('first')),
    commands.ask('runs.close').then(note('second')),
  ]);
  expect({ started, answered }).toEqual({
    started: ['first', 'second'],
    answered: ['first', 'second'],
  });
});

import { expect, test } from 'vitest';
import { leaseClient } from '#src/runtime/lease-client.ts';
import { devSigner } from '../support/dev-keys.ts';
import { serveHttp } from '../support/hostile-servers.ts';
import { patienceMs, STRANGE_ANSWERS } from '../support/strange-answers.ts';

const RUN = { family: 'general_chat', run: 'run-1' };
const signer = devSigner('validator');

const clientOf = (ownerUrl: string, timeoutMs = 20_000) =>
  leaseClient({
    ownerUrl,
    signer,
    clock: () => Date.parse('2026-11-29T12:00:00.000Z'),
    signal: new AbortController().signal,
    timeoutMs,
  });

/** An owner that answers so to everything, and says what it was asked. */
async function serveOwner(status: number, body: unknown) {
  const asked: { path: string | undefined; body: unknown; hotkey: unknown }[] = [];
  const server = await serveHttp((request, response) => {
    let text = '';
    request.on('data', (piece: Buffer) => {
      text += piece.toString();
    });
    request.on('end', () => {
      const hotkey = request.headers['x-hotkey'];
      asked.push({ path: request.url, body: JSON.parse(text), hotkey });
      response.writeHead(status).end(JSON.stringify(body));
    });
  });
  return { ...server, asked };
}

const task = (more: object = {}) => ({
  task_evaluation_id: 'e-1',
  task_id: 't-1',
  run_id: 'run-1',
  claim_expires_at: '2026-11-29T12:15:00',
  ...more,
});

/** What the owner would have every validator believe. */
const ITS_OWN_WORD = {
  task_payload: { task_id: 't-1', prompt: 'another question', expected_output: { answer: 'B' } },
  cached_baseline: { response_text: 'B', _reconciled: { expected_claims: ['B'] } },
  miners: [{ hotkey: signer.hotkey, endpoint: 'http://elsewhere/', auth_headers: {} }],
};

test('a claim is signed and bounded, and of what comes only leases of the run that have an end are taken, no baseline', async () => {
  await using owner = await serveOwner(200, {
    tasks: [
      task(ITS_OWN_WORD),
      task({ task_evaluation_id: 'e-2', claim_expires_at: '2026-11-29T12:15:00+01:00' }),
      task({ task_evaluation_id: 'e-3', claim_expires_at: 'soon' }),
      task({ task_evaluation_id: 'e-4', run_id: 'run-2' }),
    ],
  });
  expect(await clientOf(owner.url).claim(RUN, 1_000)).toEqual({
    kind: 'ok',
    leases: [
      { evaluation: 'e-1', task: 't-1', expires: '2026-11-29T12:15:00.000Z' },
      { evaluation: 'e-2', task: 't-1', expires: '2026-11-29T11:15:00.000Z' },
    ],
  });
  expect(owner.asked).toEqual([
    {
      path: '/v1/families/general_chat/tasks/claim',
      body: { run_id: 'run-1', batch_size: 40 },
      hotkey: signer.hotkey,
    },
  ]);
});

test.for(STRANGE_ANSWERS)(
  'an owner that %s gives no lease, and takes none back or a result unheard',
  async ([name, serve]) => {
    await using server = await serve();
    const { claim, giveBack, submit } = clientOf(server.url, patienceMs(name));
    const [claimed, returned, submitted] = await Promise.all([
      claim(RUN, 1),
      giveBack(RUN.family, 'e', 'r'),
      submit(RUN.family, 'e', {}),
    ]);
    expect(claimed).toMatchObject({ kind: 'unavailable' });
    // Its word, whatever it is, ends a lease; where it said nothing it is asked again.
    const word = ['leads elsewhere', 'does not know the caller'].includes(name);
    const any = name === 'answers in another form';
    expect(returned.kind).toBe(word || any ? 'ok' : 'unavailable');
    expect(submitted.kind).toBe(any ? 'ok' : word ? 'refused' : 'unavailable');
  },
);

test.for([
  ['no tasks', {}],
  ['a task without an id', { tasks: [task({ task_id: undefined })] }],
  ['a task with a name that none has', { tasks: [task({ task_id: 'a/b' })] }],
] as const)('%s is no claim', async ([, body]) => {
  await using owner = await serveOwner(200, body);
  expect(await clientOf(owner.url).claim(RUN, 1)).toMatchObject({ kind: 'unavailable' });
});

test.for(['', '..', '../../x', 'a/b', 'a?b', 'a#b', 'a b', 'x'.repeat(129)])(
  'an evaluation named `%s` is no claim: its name becomes part of a path',
  async (name) => {
    await using owner = await serveOwner(200, { tasks: [task({ task_evaluation_id: name })] });
    expect(await clientOf(owner.url).claim(RUN, 1)).toMatchObject({ kind: 'unavailable' });
  },
);

test('a result that the owner refuses is refused', async () => {
  await using owner = await serveOwner(409, { detail: 'not yours' });
  const submitted = await clientOf(owner.url).submit(RUN.family, 'e-1', { a: 1 });
  expect(submitted).toMatchObject({
    kind: 'refused',
    detail: expect.stringContaining('409') as string,
  });
  expect(owner.asked).toMatchObject([
    { path: '/v1/families/general_chat/task-evaluations/e-1/result', body: { a: 1 } },
  ]);
});

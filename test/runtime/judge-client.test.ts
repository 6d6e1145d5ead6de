import { expect, test } from 'vitest';
import type { JudgeQuestion } from '#src/evaluation/judge-contract.ts';
import { judgeClient } from '#src/runtime/judge-client.ts';
import { serveHttp } from '../support/hostile-servers.ts';
import { patienceMs, STRANGE_ANSWERS } from '../support/strange-answers.ts';

const question: JudgeQuestion = {
  question: 'What?',
  conversation: [],
  attached: null,
  answer: 'That.',
  citations: [],
  expectedClaims: ['that'],
  mustNotClaim: [],
  requiredTool: null,
  reference: 'This.',
  slot: 'A',
  deterministic: true,
};
const GOOD = {
  '/v1/judge/pairwise': { winner: 'A' },
  '/v1/judge/multi': { grounded_correctness: { score: 0.5 }, instruction_safety: { score: 1 } },
  '/v1/judge/eval': { outcome: 'correct', guidance: 'fine' },
} as const;
type Path = keyof typeof GOOD;

const base = (url: string) => url.replace(/\/$/, '');
const ask = (url: string, timeoutMs = 20_000) =>
  judgeClient({ url: base(url), timeoutMs, retryMs: 1 }).ask(
    question,
    new AbortController().signal,
  );

/** A judge that answers well, but for what is given; it says what it was asked. */
async function serveJudge(
  instead: Partial<Record<Path, readonly (readonly [number, unknown])[]>> = {},
) {
  const asked: string[] = [];
  const server = await serveHttp((request, response) => {
    const path = (request.url ?? '') as Path; // safe: the client asks for nothing else
    const turns = instead[path] ?? [[200, GOOD[path]]];
    const before = asked.filter((each) => each === path).length;
    asked.push(path);
    const [status, body] = turns[Math.min(before, turns.length - 1)] ?? [500, null];
    request.resume().on('end', () => response.writeHead(status).end(JSON.stringify(body)));
  });
  return { ...server, asked };
}

test('a judge is asked for the comparison, the metrics and the outcome, and its verdict is read', async () => {
  await using judge = await serveJudge();
  const answer = await ask(judge.url);
  expect(answer).toMatchObject({
    kind: 'ok',
    verdict: { outcome: 'correct', preference: 1_000_000_000, groundedCorrectness: 500_000_000 },
  });
  expect(judge.asked).toEqual(Object.keys(GOOD));
  if (answer.kind === 'ok') expect(answer.calls.map(({ path }) => path)).toEqual(Object.keys(GOOD));
});

test.for(STRANGE_ANSWERS)('a judge that %s gives no verdict', async ([name, serve]) => {
  await using server = await serve();
  expect(await ask(server.url, patienceMs(name))).toMatchObject({
    kind: 'unavailable',
    detail: expect.any(String) as string,
  });
});

test('a judge that is busy is asked again, within one call', async () => {
  await using judge = await serveJudge({
    '/v1/judge/multi': [
      [429, null],
      [503, null],
      [200, GOOD['/v1/judge/multi']],
    ],
  });
  expect(await ask(judge.url)).toMatchObject({ kind: 'ok' });
  expect(judge.asked).toHaveLength(5);
});

test.for([
  ['no outcome', { '/v1/judge/eval': [[200, { guidance: '' }]] }],
  [
    'a metric that nobody measured',
    { '/v1/judge/multi': [[200, { instruction_safety: { score: 1 } }]] },
  ],
  [
    'a score beyond one',
    {
      '/v1/judge/multi': [
        [200, { grounded_correctness: { score: 7 }, instruction_safety: { score: 1 } }],
      ],
    },
  ],
  ['no winner', { '/v1/judge/pairwise': [[200, { winner: 'both' }]] }],
  ['a refusal of one call', { '/v1/judge/eval': [[422, { detail: 'no' }]] }],
] as const)('%s is no verdict', async ([, instead]) => {
  await using judge = await serveJudge(instead);
  expect(await ask(judge.url)).toMatchObject({ kind: 'unavailable' });
});

test('a question that is given up ends at once', async () => {
  await using judge = await serveHttp(() => undefined);
  const stop = new AbortController();
  const asked = judgeClient({ url: base(judge.url), timeoutMs: 60_000 }).ask(question, stop.signal);
  stop.abort();
  expect(await asked).toMatchObject({ kind: 'unavailable' });
});

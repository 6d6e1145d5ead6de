import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ANSWER_LIMITS,
  type Answered,
  answerReader,
  unaryAnswer,
} from '#src/evaluation/answer-stream.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const ndjson = (...events: readonly unknown[]): string =>
  events.map((event) => `${typeof event === 'string' ? event : JSON.stringify(event)}\n`).join('');

/** What a whole stream brings, in one piece. */
function read(text: string | Uint8Array, limits = ANSWER_LIMITS): Answered {
  const reader = answerReader(limits);
  return reader.push(typeof text === 'string' ? bytes(text) : text) ?? reader.end();
}

const DONE = { event: 'done', status: 'completed', output: { answer: 'Paris' }, citations: [] };
const small = { ...ANSWER_LIMITS, lineBytes: 200, totalBytes: 400, events: 5, badLines: 2 };

describe("a miner's stream", () => {
  test('the answer is that of done, not of its pieces', () => {
    const pieces = [
      { event: 'delta', text: 'Ly' },
      { event: 'delta', text: 'on' },
    ];
    expect(read(ndjson(...pieces, DONE))).toEqual({
      kind: 'completed',
      answer: 'Paris',
      citations: [],
    });
  });

  test('done without output takes the pieces together', () => {
    const stream = ndjson(
      { event: 'delta', text: 'Pa' },
      { event: 'citation', citation: { url: 'https://a.example/', title: 'A' } },
      { event: 'delta', text: 'ris' },
      { event: 'done' },
    );
    expect(read(stream)).toEqual({
      kind: 'completed',
      answer: 'Paris',
      citations: [{ url: 'https://a.example/', title: 'A' }],
    });
  });

  test('a stream without done failed, whatever came before', () => {
    expect(read(ndjson({ event: 'delta', text: 'Paris' }))).toMatchObject({ kind: 'failed' });
    expect(read('')).toMatchObject({ kind: 'failed' });
  });

  test.each(['failed', 'deferred', 'later', 7])('a status of %s is a failure', (status) => {
    const done = { ...DONE, status, error: 'no model' };
    expect(read(ndjson(done))).toMatchObject({
      kind: 'failed',
      detail: `status ${status}: no model`,
    });
  });

  test('traces, checkpoints and tool calls mean nothing, and lines that are no events are skipped', () => {
    const noise = [
      { event: 'trace', text: 'x' },
      { event: 'tool_call', tool_call: { tool_name: 'web_search' } },
      { event: 'tool_result' },
      { event: 'checkpoint' },
      '{"event":"delta","text":',
      'null',
      '',
    ];
    expect(read(ndjson(...noise, DONE))).toMatchObject({ answer: 'Paris' });
  });

  test('citations of done replace those before it, each address once', () => {
    const cited = { url: 'https://b.example/', title: 'B' };
    const stream = ndjson(
      { event: 'citation', citation: { url: 'https://a.example/' } },
      { ...DONE, citations: [cited, cited, { title: 'none' }, 'https://c.example/'] },
    );
    expect(read(stream)).toMatchObject({ citations: [cited] });
  });

  test('what a miner says of its cost, job and tools is nowhere in the result', () => {
    const metadata = { proxy_cost_usd: 1, job_id: 'another', executed_tool_calls: [{ tool: 'x' }] };
    expect(read(ndjson({ ...DONE, metadata, cost_usd: 2 }))).toEqual(read(ndjson(DONE)));
  });

  test.each([
    ['output.content', { output: { content: 'Paris' } }],
    ['blocks', { output: { content: [{ type: 'text', text: 'Pa' }, { text: 'ris' }, {}] } }],
    ['output_text', { output_text: 'Paris' }],
    ['content', { content: [{ text: 'Paris' }] }],
  ])('an answer in %s is found', (_where, body) => {
    expect(read(ndjson({ event: 'done', ...body }))).toMatchObject({ answer: 'Paris' });
    expect(unaryAnswer(bytes(JSON.stringify(body)))).toMatchObject({ answer: 'Paris' });
  });

  test.each([
    ['a line', 'too-large', `{"event":"delta","text":"${'x'.repeat(300)}"}`],
    [
      'all',
      'too-large',
      ndjson(...Array<object>(9).fill({ event: 'delta', text: 'x'.repeat(30) })),
    ],
    ['the events', 'too-large', ndjson(...Array<object>(9).fill({ event: 'delta' }))],
    ['bad lines', 'malformed', 'x\n'.repeat(9)],
  ])('%s beyond its limit ends the reading', (_what, kind, stream) => {
    const reader = answerReader(small);
    expect(reader.push(bytes(stream))).toMatchObject({ kind });
  });

  test('an event that nests deeper than its limit is no event, brackets in texts count for nothing', () => {
    const deep = `{"event":"done","x":${'['.repeat(20)}${']'.repeat(20)}}`;
    expect(read(ndjson(deep))).toMatchObject({ kind: 'failed' });
    const text = JSON.stringify({ ...DONE, output: { answer: `"${'['.repeat(99)}\\` } });
    expect(read(ndjson(text))).toMatchObject({ kind: 'completed' });
  });

  test('how a stream is cut into pieces changes nothing', () => {
    const stream = bytes(
      ndjson({ event: 'delta', text: 'é🙂' }, 'nonsense', { ...DONE, output: undefined }),
    );
    const whole = read(stream);
    const cuts = fc.array(fc.nat(stream.length), { maxLength: 8 });
    fc.assert(
      fc.property(cuts, (positions) => {
        const reader = answerReader();
        let result: Answered | null = null;
        let from = 0;
        for (const to of [...positions.toSorted((a, b) => a - b), stream.length]) {
          result ??= reader.push(stream.subarray(from, to));
          from = to;
        }
        expect(result ?? reader.end()).toEqual(whole);
      }),
    );
  });

  test('any bytes at all bring a result and never an exception', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 })), (pieces) => {
        const reader = answerReader(small);
        let result: Answered | null = null;
        for (const piece of pieces) result ??= reader.push(piece);
        expect(['failed', 'too-large', 'malformed']).toContain((result ?? reader.end()).kind);
      }),
    );
  });
});

describe('a stream that is made to break its reader', () => {
  test.for([
    ['a status without a text', { event: 'done', status: { toString: 1, valueOf: 1 } }, 'failed'],
    ['a status of null', { event: 'done', status: null }, 'failed'],
    [
      'an answer that no judge can read',
      { ...DONE, output: { answer: 'x'.repeat(65_537) } },
      'too-large',
    ],
  ] as const)('%s: the answer is the miner’s failure', ([, event, kind]) => {
    expect(read(ndjson(event)).kind).toBe(kind);
  });

  test('citations are bounded over all events together', () => {
    const cited = Array.from({ length: 200 }, (_, at) => ({
      event: 'citation',
      citation: { url: `https://example.org/${at}`, title: 'x' },
    }));
    const { citations, ...done } = DONE;
    expect(citations).toEqual([]);
    const answered = read(ndjson(...cited, done));
    expect(answered.kind === 'completed' ? answered.citations.length : 0).toBe(64);
  });
});

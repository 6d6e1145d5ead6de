import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  commitmentPayload,
  commitmentV2,
  parseCommitment,
  scoreDigest,
  verifyCommitment,
} from '#src/consensus/commitment.ts';
import { sha256 } from '#src/events/hash.ts';
import vectors from '../vectors/commitment.json' with { type: 'json' };

describe('a commitment', () => {
  test.each(vectors.valid)('$name', ({ run, body, digest, payload }) => {
    expect(scoreDigest(body)).toBe(digest);
    expect(commitmentPayload(run, body)).toBe(payload);
    expect(parseCommitment(payload)).toEqual({ kind: 'commitment', run, digest });
    expect(verifyCommitment(payload, { run, body })).toBe('matches');
  });

  test.each(vectors.invalid)('$name is refused', ({ payload, reason }) => {
    expect(parseCommitment(payload)).toEqual({ kind: 'invalid', reason });
    expect(verifyCommitment(payload, { run: 'run-7', body: '{}' })).toBe('malformed');
  });

  test('another body differs, another run is another run', () => {
    const payload = commitmentPayload('run-7', '{"a":1}');
    expect(verifyCommitment(payload, { run: 'run-7', body: '{"a":2}' })).toBe('differs');
    expect(verifyCommitment(payload, { run: 'run-8', body: '{"a":1}' })).toBe('other-run');
  });

  test('the digest that identifies a report in a log is not the one that commits to it', () => {
    expect(scoreDigest('{}')).not.toBe(sha256('{}'));
  });

  test('any text is read without an exception, and what is accepted is written the same way', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string().map((text) => `eirel/scores/v1:${text}`),
        ),
        (text) => {
          const parsed = parseCommitment(text);
          if (parsed.kind === 'commitment')
            expect(`eirel/scores/v1:${parsed.run}:${parsed.digest}`).toBe(text);
          else expect(parsed.reason).toMatch(/^(too-long|prefix|run|digest)$/);
        },
      ),
    );
  });
});

describe('a salted commitment', () => {
  test.each(vectors.salted)('$name', ({ runKey, body, commit }) => {
    expect(commitmentV2(runKey, body)).toBe(commit);
    expect(commitmentV2(sha256('another key'), body)).not.toBe(commit);
    expect(commitmentV2(runKey, `${body} `)).not.toBe(commit);
  });
});

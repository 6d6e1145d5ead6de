import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isJobToken, jobToken, sameSecret } from '#src/evaluation/job.ts';
import { deploymentOf, jobIdOf, turnOf } from '#src/evaluation/job-name.ts';
import { DeploymentId, JobId } from '#src/events/job.ts';

const deployment = '11111111-2222-3333-4444-555555555555';
const place = {
  validator: '5a',
  family: 'general_chat',
  run: 'run-7',
  submission: 's-1',
  archive: '00',
};

test('a job is named as the existing services name it, and has their token', () => {
  const job = jobIdOf({ turn: 'task-001', deployment });
  expect(job).toBe(`task-eval=task-001;deployment=${deployment}`);
  expect(jobToken('master-token', job)).toBe(
    'a2e840ca57ef2514338bb7531b5ad291b69b82d1cc5f19513c0e20dd18868eeb',
  );
});

test('a token is that of its job and key alone', () => {
  const job = jobIdOf({ turn: 'task-001', deployment });
  const token = jobToken('key', job);
  expect(isJobToken(token, 'key', job)).toBe(true);
  expect(isJobToken(token, 'another key', job)).toBe(false);
  expect(isJobToken(token, 'key', `${job}x`)).toBe(false);
  expect(isJobToken('', 'key', job)).toBe(false);
});

test('turns of any length have jobs of at most 128 characters, each its own', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,130}$/), { minLength: 2 }),
      (turns) => {
        const jobs = turns.map((turn) => jobIdOf({ turn, deployment }));
        expect(jobs.every((job) => JobId.safeParse(job).success)).toBe(true);
        expect(new Set(jobs).size).toBe(jobs.length);
      },
    ),
  );
});

test('a deployment is a UUID that follows from its place, and differs with each part of it', () => {
  const own = deploymentOf(place);
  expect(DeploymentId.safeParse(own).success).toBe(true);
  expect(deploymentOf({ ...place })).toBe(own);
  for (const part of ['validator', 'family', 'run', 'submission', 'archive'] as const)
    expect(deploymentOf({ ...place, [part]: 'other' })).not.toBe(own);
});

test('a task of one turn is its own turn, others count from zero', () => {
  expect(turnOf('t-1', 0, 1)).toBe('t-1');
  expect([0, 1].map((index) => turnOf('t-1', index, 2))).toEqual(['t-1-t0', 't-1-t1']);
});

test('only the same secret is the same', () => {
  expect(sameSecret('a', 'a')).toBe(true);
  expect(sameSecret('a', 'b')).toBe(false);
  expect(sameSecret('', 'b')).toBe(false);
});

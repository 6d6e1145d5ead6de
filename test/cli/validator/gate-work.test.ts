import { expect, test } from 'vitest';
import { gateWork } from '#src/cli/validator/gate-work.ts';

const done = async (): Promise<never> => {
  throw new Error('it was done');
};
const WORK = { openRun: done, closeRun: done, compareAgain: done, importScores: done };

test('on a disk that is nearly full no run is opened and no score taken, and a run that is open is closed', async () => {
  const askSpace = async () => ({ freeBytes: 4, totalBytes: 100 });
  const { openRun, importScores, closeRun } = gateWork(WORK, askSpace);
  await expect(openRun({})).rejects.toMatchObject({ code: 'log.full' });
  await expect(importScores([])).rejects.toMatchObject({ code: 'log.full' });
  await expect(closeRun('general_chat', 'run-1')).rejects.toThrow('it was done');
});

test('with space enough everything is done', async () => {
  const { openRun, importScores } = gateWork(WORK, async () => ({
    freeBytes: 50,
    totalBytes: 100,
  }));
  await expect(openRun({})).rejects.toThrow('it was done');
  await expect(importScores([])).rejects.toThrow('it was done');
});

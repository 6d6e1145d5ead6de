import { AppError } from '../errors.ts';

/** Before the commit phase's last block is final, scores are served to nobody: a copy needs an original. */
export type Sealed = Readonly<{ kind: 'sealed'; untilBlock: number }>;

/** This validator knows no such run of this family. */
export type Unknown = Readonly<{ kind: 'unknown' }>;

/** The error for what can't be served: `request.too-early` with the block to wait for, or `request.not-found`. */
export function withheld(answer: Sealed | Unknown, family: string, run: string): AppError {
  switch (answer.kind) {
    case 'sealed':
      return new AppError('request.too-early', {
        field: 'run_id',
        value: run,
        expected: `finalised block ${answer.untilBlock}`,
        untilBlock: answer.untilBlock,
        detail: `${run} of ${family} is sealed until block ${answer.untilBlock} is finalised.`,
      });
    case 'unknown':
      return notFound(run, 'unknown-run', `Nothing is held for ${run} of ${family}.`);
  }
}

/** `request.not-found` for a run, with the reason as a code and as a sentence. */
export function notFound(run: string, reason: string, detail: string): AppError {
  return new AppError('request.not-found', { field: 'run_id', value: run, reason, detail });
}

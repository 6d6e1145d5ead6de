import { AppError } from '../errors.ts';

/**
 * What comes of the work, or `log.unavailable` where nothing came of it for so long: it goes on, and whoever asked
 * asks again.
 */
export async function inTime<T>(work: Promise<T>, ms: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(
      new AppError('log.unavailable', {
        found: `nothing within ${ms} ms`,
        next: 'whether it is recorded is not known: send it again under the same name',
      }),
    );
  }, ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

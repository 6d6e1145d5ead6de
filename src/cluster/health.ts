import { request } from 'undici';

/** A miner that needs longer to say that it is well is asked again at the next reconcile. */
const HEALTH_TIMEOUT_MS = 2_000;

/** Whether a submission answers on its health path, by the way on which it is going to be asked. Never throws. */
export type ProbeHealth = (url: string) => Promise<boolean>;

/** Asks a health URL once: any answer from 200 to 299 is good, its body is left unread. */
export const probeHealth: ProbeHealth = async (url) => {
  try {
    const { statusCode, body } = await request(url, {
      signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS),
      headersTimeout: HEALTH_TIMEOUT_MS,
    });
    // What a hostile miner sends for ever is cut off, not read; the error of the cut is no news.
    body.on('error', () => undefined).destroy();
    return statusCode >= 200 && statusCode <= 299;
  } catch {
    // Refused, silent or not HTTP: whatever it is, it is not ready, and the next reconcile asks again.
    return false;
  }
};

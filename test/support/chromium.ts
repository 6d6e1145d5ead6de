import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Where Debian and its kin install it. */
const INSTALLED = '/usr/bin/chromium';

/** The machine's Chromium: that of the variable CHROMIUM, or the distribution's; undefined where there is none. */
export function findChromium(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return env['CHROMIUM'] ?? (existsSync(INSTALLED) ? INSTALLED : undefined);
}

/** Starts it without a screen, with a fresh profile that is deleted in the end, and without anything that asks home. */
export async function startChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    headless: true,
    chromiumSandbox: false, // a test may run as root, for whom there is no sandbox
    args: [
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

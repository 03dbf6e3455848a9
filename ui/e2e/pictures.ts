import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, type Page } from '@playwright/test';

import type { ScreenSpec } from '@/shared/screens/spec';

/** Folder for pictures of the screens; without it they are only looked at. */
const FOLDER = process.env.SIMEMS_PICTURES;

/** What is drawn, as small as it stays readable. */
export async function takePicture(page: Page, name: string): Promise<void> {
  if (FOLDER === undefined) return;
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 72 });
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, `${name}.webp`), Buffer.from(data, 'base64'));
}

/** Listens to what a page asks its server for. */
export class Asked {
  private calls: string[] = [];
  private streams = 0;

  constructor(page: Page) {
    page.on('request', (request) => {
      const { pathname } = new URL(request.url());
      if (pathname.startsWith('/api/')) this.calls.push(`${request.method()} ${pathname}`);
    });
    page.on('websocket', () => (this.streams += 1));
  }

  /** From here on. */
  mark(): number {
    return this.calls.length;
  }

  /** Every input of the screen was asked for, nothing that is in no declaration since `mark`. */
  async fits(spec: ScreenSpec, mark: number, beside: readonly ScreenSpec[] = []): Promise<void> {
    const always = spec.inputs.filter(({ when }) => when === undefined).map(({ from }) => from);
    await expect
      .poll(() => always.filter((one) => !this.calls.some((call) => matches(one, call))), {
        message: 'declared, but not asked for',
      })
      .toEqual([]);
    const declared = [spec, ...beside].flatMap(({ inputs, outputs }) => [
      ...inputs.map(({ from }) => from),
      ...outputs.map(({ to }) => to),
    ]);
    const undeclared = this.calls
      .slice(mark)
      .filter((call) => !declared.some((one) => matches(one, call)));
    expect(undeclared, 'asked for, but not declared').toEqual([]);
    if (spec.live.length > 0)
      await expect.poll(() => this.streams, { message: 'follows no live stream' }).not.toBe(0);
  }
}

/** `GET /sites/{site_id}` fits `GET /sites/malmo-1`. */
function matches(operation: string, call: string): boolean {
  const parts = operation
    .split(/\{\w+\}/)
    .map((part) => part.replace(/[.*+?^$()|[\]\\/]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^/]+')}$`).test(call);
}

/** Drawn to the end, within its width, and with nothing to complain about. */
export async function isSound(page: Page): Promise<void> {
  await expect(page.locator('[aria-busy=true], .mantine-Skeleton-root, .skeleton')).toHaveCount(0, {
    timeout: 20_000,
  });
  await expect(page.locator('[role=alert]:visible').filter({ hasText: /\S/ })).toHaveCount(0);
  const wider = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(wider, 'wider than the screen').toBeLessThanOrEqual(0);
}

import { expect, test, type Page } from '@playwright/test';

import type { HmiScreen } from '@/hmi/pages/routes';
import { HMI_SCREENS } from '@/hmi/pages/screens';
import { PORTAL_ROUTES, type PortalScreen } from '@/portal/pages/routes';
import { PORTAL_SCREENS } from '@/portal/pages/screens';
import { en } from '@/shared/i18n/en';

import {
  chromiumPath,
  HMI_URL,
  needsMock,
  NO_CHROMIUM,
  PASSWORD,
  PIN,
  PORTAL_URL,
  USER,
} from './browser';
import { Asked, isSound, takePicture } from './pictures';

test.skip(chromiumPath === null, NO_CHROMIUM);
test.skip(needsMock, 'SKIPPED: the made-up servers do not have every operation.');

test.describe('portal', () => {
  test.use({ viewport: { width: 1440, height: 900 } });
  for (const id of Object.keys(PORTAL_SCREENS) as PortalScreen[])
    test(`portal ${id} asks for what it declares`, async ({ page }) => {
      const asked = new Asked(page);
      await page.goto(PORTAL_URL);
      const mark = asked.mark();
      if (id !== 'signIn') await openPortal(page, id);
      await isSound(page);
      await asked.fits(PORTAL_SCREENS[id], id === 'signIn' ? mark : asked.mark());
      if (id !== 'signIn') {
        const fresh = asked.mark();
        await page.reload();
        await settled(page, id);
        await isSound(page);
        await asked.fits(PORTAL_SCREENS[id], fresh);
      }
      await takePicture(page, PORTAL_SCREENS[id].picture);
    });
});

async function openPortal(page: Page, id: PortalScreen): Promise<void> {
  await page.getByLabel('E-mail').fill(USER);
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  const first = page.locator('a.site-link').first();
  await expect(first).toBeVisible();
  const site = ((await first.getAttribute('href')) ?? '').split('/').at(-1) ?? '';
  const path = PORTAL_ROUTES[id].path ?? '/no/such/page';
  await page.goto(`${PORTAL_URL}/#${path.replace(':id', site)}`);
  await settled(page, id);
}

async function settled(page: Page, id: PortalScreen): Promise<void> {
  await expect(page.locator('.page-name')).not.toBeEmpty();
  if (id === 'site') await expect(page.locator('canvas').first()).toBeVisible({ timeout: 20_000 });
}

test.describe('hmi', () => {
  test.use({ viewport: { width: 1024, height: 600 }, hasTouch: true });
  for (const id of Object.keys(HMI_SCREENS) as HmiScreen[])
    test(`hmi ${id} asks for what it declares`, async ({ page }) => {
      const asked = new Asked(page);
      const today = page.waitForResponse(/\/api\/v1\/history/);
      await page.goto(HMI_URL);
      await expect(page.getByTestId('flow-load')).toContainText(/\d/);
      await today;
      const mark = id === 'home' ? 0 : asked.mark();
      if (id === 'system') await endOverride(page);
      await openHmi(page, id);
      await isSound(page);
      // The last page shows its first tab, whatever else is opened on it.
      const beside =
        id === 'pin' || id.startsWith('system')
          ? [HMI_SCREENS.system, HMI_SCREENS['system.actions'], HMI_SCREENS.pin]
          : [];
      await asked.fits(HMI_SCREENS[id], mark, beside);
      await takePicture(page, HMI_SCREENS[id].picture);
      if (id === 'system') await endOverride(page);
    });
});

async function openHmi(page: Page, id: HmiScreen): Promise<void> {
  const [name, tab] = id === 'pin' ? ['system'] : id.split('.');
  const title = HMI_SCREENS[name as HmiScreen].title;
  await page.getByRole('navigation').getByRole('button', { name: en[title] }).click();
  if (tab !== undefined)
    await page.getByRole('button', { name: en[HMI_SCREENS[id].title], exact: true }).click();
  if (id === 'trends') await expect(page.locator('canvas').first()).toBeVisible();
  if (id === 'pin') await page.getByRole('button', { name: 'Review' }).click();
  if (id === 'system') await override(page);
}

/** Whatever stands by hand is over. */
async function endOverride(page: Page): Promise<void> {
  await page.getByRole('navigation').getByRole('button', { name: 'System' }).click();
  const end = page.getByRole('button', { name: 'End override' });
  const review = page.getByRole('button', { name: 'Review' });
  await expect(end.or(review)).toBeVisible();
  if (await end.isVisible()) {
    await end.click();
    await expect(review.or(page.locator('.pin-enter')).first()).toBeVisible();
    if (await page.locator('.pin-enter').isVisible()) await enterPin(page);
  }
  await expect(review).toBeVisible();
}

async function enterPin(page: Page): Promise<void> {
  for (const digit of PIN)
    await page.locator('.pin-keys').getByText(digit, { exact: true }).click();
  await page.locator('.pin-enter').click();
}

/** Something that stands, so that it is seen how that looks. */
async function override(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Discharge' }).click();
  await page.getByRole('button', { name: 'Review' }).click();
  if (await page.locator('.pin-enter').isVisible()) await enterPin(page);
  await page.getByRole('button', { name: 'Start discharging' }).click();
  await expect(page.getByRole('button', { name: 'End override' })).toBeVisible();
}

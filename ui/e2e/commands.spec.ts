import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';

import { chromiumPath, NO_CHROMIUM, PASSWORD, PORTAL_URL, USER } from './browser';

test.skip(chromiumPath === null, NO_CHROMIUM);
test.use({ viewport: { width: 1440, height: 900 } });

async function open(page: Page, link: string): Promise<void> {
  await page.goto(PORTAL_URL);
  await page.getByLabel('E-mail').fill(USER);
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation').getByRole('link', { name: link }).click();
  await expect(page.getByRole('heading', { name: link, level: 1 })).toBeVisible();
}

async function faults(page: Page): Promise<unknown[]> {
  const found = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa']).analyze();
  return found.violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
}

test('sends an override to a site, says before what will happen, and shows what became of it', async ({
  page,
}) => {
  await open(page, 'Sites');
  await page.locator('tr[data-old=false] a.site-link').first().click();
  await page.getByRole('button', { name: 'Send a command' }).click();
  const target = page.getByRole('textbox', { name: 'What to set' });
  await expect(target).toHaveValue('ess0/active_power_w');
  await page.getByRole('button', { name: 'Review' }).click();
  await expect(page.getByText('Give a reason')).toBeVisible();
  await page.getByLabel('Reason').fill('browser test');
  await page.getByLabel('For how long').fill('1');
  await page.getByRole('button', { name: 'Review' }).click();
  await expect(page.getByTestId('consequence')).toHaveText(/ess0 is held at 0 W for 1.min/);
  expect(await faults(page)).toEqual([]);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await expect(page.getByRole('dialog')).toBeHidden();
  const row = page.getByRole('row').filter({ hasText: 'ess0: hold at 0 W' }).first();
  await expect(row).toContainText('Done', { timeout: 60_000 });
  await expect(row).toContainText(USER);
  await page.getByRole('button', { name: 'Send a command' }).click();
  await page.getByLabel('Give back to automatic control').check();
  await page.getByRole('button', { name: 'Review' }).click();
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  const back = page.getByRole('row').filter({ hasText: 'back to automatic' }).first();
  await expect(back).toContainText('Done', { timeout: 60_000 });
});

test('sends to all sites at once, with a result for each', async ({ page }) => {
  await open(page, 'Commands');
  await page.getByRole('button', { name: 'Send a command' }).click();
  await page.getByRole('button', { name: /Choose all/ }).click();
  await page.getByRole('textbox', { name: 'Command', exact: true }).click();
  await page.getByRole('option', { name: 'Fetch diagnostics' }).click();
  expect(await faults(page)).toEqual([]);
  await page.getByRole('button', { name: 'Review' }).click();
  await page.getByRole('dialog').getByRole('button', { name: /^Send/ }).click();
  await expect(page.getByRole('dialog').locator('[data-state=done]').first()).toBeVisible({
    timeout: 60_000,
  });
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
  await page
    .getByRole('row')
    .filter({ hasText: 'Diagnostics' })
    .first()
    .getByText('Details')
    .click();
  await expect(page.getByRole('button', { name: 'Download' })).toBeVisible();
  expect(await faults(page)).toEqual([]);
});

test('hands an update to the box and tells why one was not taken', async ({ page }) => {
  await open(page, 'Sites');
  await page.locator('tr[data-old=false] a.site-link').first().click();
  const send = async (version: string): Promise<void> => {
    await page.getByRole('button', { name: 'Send a command' }).click();
    await page.getByRole('textbox', { name: 'Command', exact: true }).click();
    await page.getByRole('option', { name: 'Software update' }).click();
    await page.getByLabel('Address of the bundle').fill('https://updates.example.com/box.raucb');
    await page.getByLabel('SHA-256 of the bundle').fill('ab'.repeat(32));
    await page.getByLabel('Version').fill(version);
    await page.getByRole('button', { name: 'Review' }).click();
    await expect(page.getByTestId('consequence')).toContainText(`installs ${version}`);
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await expect(page.getByRole('dialog')).toBeHidden();
  };
  const row = (version: string) =>
    page
      .getByRole('row')
      .filter({ hasText: `Update ${version}` })
      .first();
  await send('1.9.9');
  await expect(row('1.9.9')).toContainText('Rejected', { timeout: 60_000 });
  await expect(row('1.9.9')).toContainText('is not signed for 1.9.9');
  await send('2.0.0');
  await expect(row('2.0.0')).toContainText('Done', { timeout: 60_000 });
  expect(await faults(page)).toEqual([]);
});

test('lists the boxes, asks for a whole code, and warns before one is shut out', async ({
  page,
}) => {
  await open(page, 'Devices');
  await expect(page.locator('.box-state[data-state=active]').first()).toBeVisible();
  expect(await faults(page)).toEqual([]);
  await page.getByRole('button', { name: 'Add a box' }).click();
  await page.getByRole('textbox', { name: 'Claim code' }).fill('0h3n 7rka');
  await page.getByLabel('Name of the box').fill('box 2');
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByText('A claim code has 20 letters')).toBeVisible();
  expect(await faults(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await page
    .getByRole('button', { name: /^Actions for/ })
    .first()
    .click();
  await page.getByRole('menuitem', { name: 'Revoke' }).click();
  await expect(page.getByRole('dialog')).toContainText('never accepted again');
  // The menu that it was chosen from fades away behind it.
  await expect(page.locator('[role=menu]')).toHaveCount(0);
  expect(await faults(page)).toEqual([]);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.locator('.box-state[data-state=active]').first()).toBeVisible();
});

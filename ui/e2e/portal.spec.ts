import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';

import { chromiumPath, NO_CHROMIUM, PASSWORD, PORTAL_URL, USER } from './browser';

test.skip(chromiumPath === null, NO_CHROMIUM);
test.use({ viewport: { width: 1440, height: 900 } });

async function signIn(page: Page): Promise<void> {
  await page.goto(PORTAL_URL);
  await page.getByLabel('E-mail').fill(USER);
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Sites' })).toBeVisible();
}

async function openFirstSite(page: Page): Promise<void> {
  await signIn(page);
  await page.locator('a.site-link').first().click();
  await expect(page.getByTestId('flow-load')).toBeVisible();
}

test('a wrong password is said, not guessed', async ({ page }) => {
  await page.goto(PORTAL_URL);
  await page.getByLabel('E-mail').fill('nobody@example.com');
  await page.getByRole('textbox', { name: 'Password' }).fill('wrong password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toContainText(/wrong|Try again/);
});

test('signs in and sees live values change on the site page', async ({ page }) => {
  await openFirstSite(page);
  const age = page.getByTestId('live');
  await expect(age).toHaveAttribute('data-state', 'live', { timeout: 60_000 });
  const load = page.getByTestId('flow-load');
  const first = await load.textContent();
  await expect.poll(() => load.textContent(), { timeout: 60_000 }).not.toBe(first);
  await expect(page.getByTestId('why')).not.toBeEmpty();
});

test('draws the history, and walks to the day before', async ({ page }) => {
  await openFirstSite(page);
  await expect(page.locator('canvas').first()).toBeVisible({ timeout: 20_000 });
  const label = page.getByTestId('range-label');
  const today = await label.textContent();
  await page.getByRole('button', { name: 'Earlier' }).click();
  await expect(label).not.toHaveText(today ?? '');
});

test('the site page has no accessibility fault that axe can find', async ({ page }) => {
  await openFirstSite(page);
  await expect(page.locator('canvas').first()).toBeVisible({ timeout: 20_000 });
  const found = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa']).analyze();
  expect(found.violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
});

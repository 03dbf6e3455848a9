import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';

import { chromiumPath, HMI_URL, NO_CHROMIUM, PIN } from './browser';

test.skip(chromiumPath === null, NO_CHROMIUM);
test.use({ viewport: { width: 1024, height: 600 }, hasTouch: true });

async function press(page: Page, digits: string): Promise<void> {
  for (const digit of digits)
    await page.locator('.pin-keys').getByText(digit, { exact: true }).click();
  await page.locator('.pin-enter').click();
}

test('shows the flow and the reason without any sign-in', async ({ page }) => {
  await page.goto(HMI_URL);
  await expect(page.getByTestId('flow-load')).toContainText(/\d/);
  await expect(page.getByTestId('why')).not.toBeEmpty();
});

test('asks for the PIN before an override, and says what will happen', async ({ page }) => {
  await page.goto(HMI_URL);
  await page.getByRole('button', { name: 'System' }).click();
  await page.getByRole('button', { name: 'Hold 0 W' }).click();
  await page.getByRole('button', { name: '5 min', exact: true }).click();
  await page.getByRole('button', { name: 'Review' }).click();
  await expect(page.getByRole('dialog', { name: 'Enter PIN' })).toBeVisible();
  await press(page, '0000000000');
  await expect(page.locator('.pin-error')).toHaveText(/Wrong PIN/);
  await press(page, PIN);
  await expect(page.getByRole('heading', { name: /held at 0 W for 5.min, until/ })).toBeVisible();
  await page.getByRole('button', { name: 'Hold the battery' }).click();
  await expect(page.getByText('Manual: battery held at 0 W')).toBeVisible();
  await page.getByRole('button', { name: 'End override' }).click();
  await expect(page.getByRole('button', { name: 'Review' })).toBeVisible();
});

test('every touch target is at least 48 px and axe finds no fault', async ({ page }) => {
  await page.goto(HMI_URL);
  await expect(page.getByTestId('flow-load')).toBeVisible();
  for (const name of ['Home', 'Trends', 'Alarms', 'Devices', 'System']) {
    await page.getByRole('navigation').getByRole('button', { name }).click();
    const small = await page.locator('button:visible').evaluateAll((buttons) =>
      buttons
        .map((button) => [button.textContent, button.getBoundingClientRect()] as const)
        .filter(([, box]) => box.width < 48 || box.height < 48)
        .map(([text]) => text),
    );
    expect(small, `on ${name}`).toEqual([]);
    const found = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa']).analyze();
    expect(found.violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual(
      [],
    );
  }
});

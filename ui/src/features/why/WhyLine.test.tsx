import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it } from 'vitest';

import { usePreferences } from '@/shared/preferences/store';

import { SITE } from '../../../mock/plant';

import { WhyLine } from './WhyLine';

const why = {
  code: 'peak_shaving.discharging',
  params: { power_w: 38_000, threshold_w: 60_000 },
  text: 'x',
  source: 'peak0',
  bound: 'soc:ess0',
};

describe('WhyLine', () => {
  beforeEach(() => usePreferences.setState({ language: 'en' }));

  it('opens who decided and what bound it', async () => {
    render(<WhyLine why={why} site={SITE} />);
    expect(screen.queryByText('peak0 (peak_shaving)')).toBeNull();
    await userEvent.click(screen.getByRole('button', { name: 'Details' }));
    expect(screen.getByText('peak0 (peak_shaving)')).toBeVisible();
    expect(screen.getByText('soc:ess0')).toBeVisible();
  });
  it('says how old it is when the site is not live', () => {
    render(<WhyLine why={why} site={SITE} age="5 min ago:" />);
    expect(screen.getByTestId('why')).toHaveTextContent(/^5 min ago: Discharging/);
  });
});

import { render, screen } from '@testing-library/react';
import { beforeEach, describe, expect, it } from 'vitest';

import { usePreferences } from '@/shared/preferences/store';

import { SITE, valuesAt } from '../../../mock/plant';

import { FlowDiagram } from './FlowDiagram';

const EVENING = Date.parse('2026-11-22T16:45:00Z');

describe('FlowDiagram', () => {
  beforeEach(() => usePreferences.setState({ language: 'en' }));

  it('says in words what it draws', () => {
    render(<FlowDiagram site={SITE} values={valuesAt(EVENING, null)} stale={false} />);
    const label = screen.getByRole('img').getAttribute('aria-label');
    expect(label).toMatch(/Grid: importing .*kW/);
    expect(label).toMatch(/Battery: discharging .*kW/);
    expect(label).toMatch(/Load: consuming/);
  });

  it('turns grey and still when everything is old', () => {
    const { container } = render(
      <FlowDiagram site={SITE} values={valuesAt(EVENING, null)} stale />,
    );
    expect(container.querySelector('.flow')).toHaveAttribute('data-stale', 'true');
    expect(container.querySelectorAll('.flow-node[data-old="true"]')).toHaveLength(5);
  });

  it('marks only the device that is silent', () => {
    const { container } = render(
      <FlowDiagram site={SITE} values={valuesAt(EVENING, 'grid0')} stale={false} />,
    );
    const old = [...container.querySelectorAll('.flow-node[data-old="true"]')];
    expect(old.map((node) => node.getAttribute('data-node'))).toEqual(['grid']);
  });

  it('draws the site before any value is known', () => {
    render(<FlowDiagram site={SITE} values={{}} stale={false} />);
    expect(screen.getAllByText('not known')).toHaveLength(5);
  });
});

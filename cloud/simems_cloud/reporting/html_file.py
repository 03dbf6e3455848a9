"""The report as one HTML file that needs nothing else: no script, no font, no address."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from simems_cloud.reporting.charts import balance
from simems_cloud.reporting.figures import Report
from simems_cloud.reporting.view import Card, Table, view

STYLE = """
:root{--ink:#1c2530;--soft:#5d6875;--line:#e3e7ec;--tint:#f5f7f9;--accent:#1f7a5c}
*{box-sizing:border-box}body{margin:0;background:var(--tint);color:var(--ink);
font:15px/1.45 Inter,system-ui,"Segoe UI",Roboto,sans-serif}
main{max-width:940px;margin:0 auto;background:#fff;padding:40px 48px;min-height:100vh}
header{border-bottom:3px solid var(--accent);padding-bottom:16px;margin-bottom:24px}
.kicker{color:var(--accent);font-weight:600;letter-spacing:.04em;text-transform:uppercase;font-size:12px}
h1{margin:4px 0 2px;font-size:30px;line-height:1.15}h2{font-size:16px;margin:32px 0 10px}
.period{font-size:17px}.soft,.note{color:var(--soft)}.note{font-size:12px}
.cards{display:grid;grid-template-columns:repeat(3,1fr);gap:12px}
.card{border:1px solid var(--line);border-radius:10px;padding:12px 14px}
.card b{display:block;font-size:22px;font-weight:600;font-variant-numeric:tabular-nums}
.card span{color:var(--soft);font-size:13px}.plain .card{border-color:transparent;background:var(--tint)}
.plain .card b{font-size:18px}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:13px;font-variant-numeric:tabular-nums}
th,td{padding:5px 8px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left}th{color:var(--soft);font-weight:600}
ul{padding-left:18px;color:var(--soft);font-size:13px}footer{margin-top:32px;color:var(--soft);font-size:12px}
@media(max-width:640px){main{padding:20px 16px}.cards{grid-template-columns:repeat(2,1fr)}}
@media print{body{background:#fff}main{padding:0}}
"""


def render(report: Report) -> bytes:
    seen = view(report)
    sites = f"<h2>Sites</h2>{_table(seen.sites)}" if seen.sites else ""
    body = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{escape(seen.title)}: {escape(seen.period)}</title><style>{STYLE}</style></head><body><main>
<header><div class="kicker">{escape(seen.kicker)}</div><h1>{escape(seen.title)}</h1>
<div class="period">{escape(seen.period)}</div><div class="soft">{escape(seen.zone)}</div></header>
<section class="cards">{_cards(seen.cards)}</section>
<h2>Energy balance</h2>{balance(report)}
<h2>Peaks, battery, quality</h2><section class="cards plain">{_cards(seen.details)}</section>
{sites}<h2>In detail (kWh)</h2>{_table(seen.rows)}
<h2>How to read this</h2><ul>{"".join(f"<li>{escape(note)}</li>" for note in seen.notes)}</ul>
<footer>Sim EMS · {escape(seen.footer)}</footer></main></body></html>
"""
    return body.encode()


def _cards(cards: Iterable[Card]) -> str:
    return "".join(
        f'<div class="card"><span>{escape(card.title)}</span><b>{escape(card.value)}</b>'
        f'<div class="note">{escape(card.note)}</div></div>'
        for card in cards
    )


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table[0])
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table[1:])
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'

from trainables.corruptions.zoom_blur import ZoomBlur


def test_the_zooms_end_where_the_authors_ranges_do() -> None:
    last = {
        table: [round(setting.all()[-1], 9) for setting in ZoomBlur.settings[table]] for table in (32, 64, 224, 299)
    }
    assert last[224] == last[299] == [1.11, 1.15, 1.2, 1.24, 1.3]
    assert last[32] == last[64] == [1.06, 1.11, 1.15, 1.2, 1.25]
    assert {setting.all()[0] for settings in ZoomBlur.settings.values() for setting in settings} == {1}

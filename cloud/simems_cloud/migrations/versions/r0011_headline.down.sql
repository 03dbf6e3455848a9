drop index channels_headline;
alter table channels drop column headline;

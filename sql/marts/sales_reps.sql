-- title: Employees with their office
-- grain: employee_id
-- needs: stg_employees, stg_offices
-- columns:
--   employee_id: id, key of the employee
--   employee_name: text, first and last name
--   job_title: text, job title
--   office_id: id, office, null if none
--   office_name: text, the city the office is in, null if none
--   territory: text, sales territory of the office
SELECT
    e.employee_id,
    e.employee_name,
    e.job_title,
    e.office_id,
    o.office_name,
    o.territory
FROM stg_employees AS e
LEFT JOIN stg_offices AS o ON o.office_id = e.office_id
